"""Replaying drawings without a display, with the model that ships; in the window: see `tests.gui.test_gui`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gui import replay
from pipeline.data import collection
from pipeline.inference.default_model import SHIPPED
from pipeline.inference.results import Box, Digit, Prediction, Reading, Verdict
from pipeline.system.errors import DataError
from tests.hand import DIGITS, OTHERS


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    found = [{"label": digit, "writer": "hand", "strokes": strokes} for digit, strokes in DIGITS.items()]
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps([*found, {"label": 5, "strokes": OTHERS["star"]}]))
    return path


def test_a_drawing_is_placed_on_the_canvas_at_a_size_within_the_bounds() -> None:
    random = np.random.default_rng(0)
    sizes = []
    for number in range(200):
        placed = replay.place(DIGITS[number % 10], 460, random)
        points = np.array([point for stroke in placed for point in stroke])
        assert points.min() >= 0
        assert points.max() <= 459
        sizes.append(np.ptp(points, axis=0).max() / 460)
    assert min(sizes) == pytest.approx(0.45, abs=0.03)
    assert max(sizes) == pytest.approx(0.8, abs=0.03)
    assert replay.place([[(0.3, 0.3)]], 460, random)[0][0][0] in range(460)  # a dot


def test_headless_replay_reports_accuracy_recall_confusion_rejections_and_times(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report.json"
    replay.main([str(recorded), "--model", str(SHIPPED), "--headless", "--out", str(out)])
    report = json.loads(out.read_text())
    assert report["drawings"] == 11
    assert report["accuracy"] == pytest.approx(10 / 11)
    assert report["accuracy_low"] < report["accuracy"] < report["accuracy_high"]
    assert report["recall"]["7"] == 1
    assert report["recall"]["5"] == 0.5
    assert np.array(report["confusion"]).shape == (10, 11)
    assert report["confusion"][5][10] == report["rejected"] == 1  # the star
    assert 0 < report["milliseconds_median"] <= report["milliseconds_95"]


def test_a_digit_that_is_read_with_something_beside_it_is_not_read_right() -> None:
    def seen(verdict: Verdict) -> Digit:
        return Digit(Prediction(5, 0.9, (0.0,) * 10), verdict, Box(0, 0, 1, 1), bytes(28 * 28))

    readings = [Reading((seen("digit"),)), Reading((seen("digit"), seen("none"))), Reading((seen("none"),))]
    report = replay.report([5, 5, 5], readings, [0.01] * 3)
    assert report["accuracy"] == pytest.approx(1 / 3)
    assert (report["confusion"][5][5], report["confusion"][5][10]) == (1, 2)
    assert (report["split"], report["rejected"]) == (1, 1)


def test_the_same_seed_gives_the_same_answers_and_a_limit_takes_some(recorded: Path, model: Any) -> None:
    found = collection.read(recorded)
    canvas = replay.Headless(model)
    one, same, other = (
        [canvas_reading.digits[0].box for _, (canvas_reading, _) in replay.replay(found[:4], canvas, seed)]
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_the_report_of_the_command_line_is_readable(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replay.main([str(recorded), "--model", str(SHIPPED), "--limit", "3", "--seed", "4"])
    said = capsys.readouterr().out
    assert "on 3 drawings" in said
    assert "From the last stroke to the answer" in said


def test_drawings_that_are_missing_or_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no drawings"):
        replay.main([str(tmp_path / "missing.json")])
    (tmp_path / "empty.json").write_text("[]")
    with pytest.raises(DataError, match="holds none"):
        replay.main([str(tmp_path / "empty.json")])
