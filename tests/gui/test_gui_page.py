"""The page, files, corrections, words and colours: what the window decides without a window."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from gui.page import files, heat, ink, wording
from gui.page.collecting import COUNT, Collecting
from gui.page.corrections import COLLECTION, Corrections, correctable, save, shown
from gui.page.page import Page, ShownImage
from gui.page.palette import LIGHT
from gui.reading.messages import Explanation, Reason, selected, sentence
from pipeline.data import collection
from pipeline.data.stroke_files import Strokes
from pipeline.inference.results import Box, Digit, Prediction, Reading, Verdict
from pipeline.system.errors import DataError


def drawn(*strokes: list[tuple[float, float]]) -> Page:
    page = Page(100, 10)
    for first, *rest in strokes:
        page.begin(*first)
        for point in rest:
            page.extend(*point)
        page.end()
    return page


def read(digit: int, verdict: Verdict = "digit", strokes: tuple[int, ...] = (0,), probability: float = 0.9) -> Digit:
    probabilities = tuple(probability if number == digit else 0.01 for number in range(10))
    return Digit(Prediction(digit, probability, probabilities), verdict, Box(0, 0, 1, 1), b"", strokes)


def test_a_drawing_is_rendered_round_dark_on_light_and_as_thick_as_the_brush() -> None:
    page = drawn([(50, 50)])
    image = page.render()
    assert image.mode == "L"
    assert image.getpixel((100, 100)) == 0
    assert image.getpixel((0, 0)) == 255
    box = ImageOps.invert(image).getbbox()
    assert box is not None
    assert abs((box[2] - box[0]) - 20) <= 2
    assert page.extend(80, 50) == (50, 50)


@pytest.mark.parametrize("angle", range(0, 360, 15))
def test_a_stroke_is_equally_wide_in_every_direction_and_has_no_gaps(angle: int) -> None:
    mask = Image.new("L", (200, 200), 0)
    x, y = 60 * np.cos(np.radians(angle)), 60 * np.sin(np.radians(angle))
    ink.add(mask, [(100 - x, 100 - y), (100, 100), (100 + x, 100 + y)], 20, ink.View())
    values = np.asarray(mask, np.float32) / 255
    assert values.sum() == pytest.approx(120 * 20 + np.pi * 100, rel=0.02)
    for part in np.linspace(-1, 1, 50):
        assert values[round(100 + part * y), round(100 + part * x)] == 1


def test_every_change_is_undone_and_redone() -> None:
    page = drawn([(10, 10), (20, 20)], [(50, 50)])
    page.clear()
    page.clear()  # of nothing: no step
    image = ShownImage(Path("x.png"), (1, 1), Image.new("RGB", (1, 1)))
    page.place(image)
    assert page.content.image == image
    page.replace([[(1, 1)], []])
    seen = []
    while page.can_undo:
        page.undo()
        seen.append((len(page.strokes), page.content.image))
    assert seen == [(0, image), (0, None), (2, None), (1, None), (0, None)]
    while page.can_redo:
        page.redo()
    assert page.strokes == [[(1, 1)]]
    page.undo()
    page.begin(5, 5)
    assert not page.can_redo


def test_the_eraser_takes_touched_strokes_away_in_one_step() -> None:
    page = drawn([(10, 10), (90, 10)], [(10, 50), (90, 50)], [(10, 90), (90, 90)])
    assert not page.erase((50, 30), (50, 30), 5)
    assert page.erase((50, 30), (50, 55), 5)
    assert page.erase((50, 55), (50, 85), 5)
    page.end()
    assert page.strokes == [[(10, 10), (90, 10)]]
    page.undo()
    assert len(page.strokes) == 3
    assert page.erase((95.5, 10), (95.5, 10), 1)  # the ink is as wide as the brush
    page.end()
    page.undo()
    assert len(page.strokes) == 3


def test_a_blank_page_is_as_large_as_the_canvas_and_another_keeps_its_size() -> None:
    page = Page(100, 10)
    page.resize(300, 200)
    assert (page.side, page.brush) == (200, 20)
    page.begin(250, 100)
    page.resize(100, 100)
    assert page.content.size == (300, 200)
    view = ink.fit(page.bounds(), (150, 150))
    assert view.to_screen(250, 100) == (125, 75)
    assert view.to_page(*view.to_screen(7, 9)) == pytest.approx((7, 9))


def test_saved_strokes_and_pictures_come_back(tmp_path: Path) -> None:
    page = drawn([(20, 20), (60, 20), (40, 80)], [(70, 70)])
    for name in ("a.png", "a.json"):
        files.save(page, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.png"]  # and no temporary file
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.size == (200, 200)
    unit = json.loads((tmp_path / "a.json").read_text())[0]["strokes"]
    assert all(0 <= value <= 1 for stroke in unit for point in stroke for value in point)
    strokes, count = files.load_strokes(tmp_path / "a.json", (400, 200))
    assert count == 1
    assert [len(stroke) for stroke in strokes] == [3, 1]
    assert all(0 <= x <= 400 and 0 <= y <= 200 for stroke in strokes for x, y in stroke)


def test_what_was_drawn_beyond_the_page_is_saved_too(tmp_path: Path) -> None:
    page = drawn([(-50, 50), (150, 50)])
    assert page.render().size == (400, 200)
    files.save(page, tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text())[0]["strokes"] == [[[0.0, 0.25], [1.0, 0.25]]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", " can't be read as JSON"),
        ("[]", " must hold a drawing, and holds none"),
        ("{}", ": strokes must be lists of points"),
        ('[{"strokes": []}]', ", drawing 0: strokes must be lists of points"),
        ('[{"strokes": [[["a", 1]]]}]', ", drawing 0: strokes must be lists of points"),
        ('[{"strokes": [[[1e300, 1]]]}]', ", drawing 0: strokes must be lists of points"),
    ],
)
def test_what_holds_no_strokes_is_told(content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DataError, match=f"x.json{told}"):
        files.load_strokes(tmp_path / "x.json", (100, 100))


def test_what_cannot_be_saved_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no strokes to save"):
        files.save(Page(100, 10), tmp_path / "x.png")
    with pytest.raises(DataError, match=r"as \.png or \.json"):
        files.save(drawn([(1, 1)]), tmp_path / "x.gif")
    with pytest.raises(DataError, match="can't be written"):
        files.save(drawn([(1, 1)]), Path("/proc/x/x.png"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_images_of_every_mode_are_shown(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("x.tif" if mode in ("CMYK", "I;16", "F") else "x.png")
    grey = Image.linear_gradient("L").resize((90, 60))
    (Image.fromarray(np.asarray(grey, np.uint16) * 200) if mode == "I;16" else grey.convert(mode)).save(path)
    shown = files.shown_image(path, 50)
    assert (shown.path, shown.size) == (path, (90, 60))
    assert (shown.pixels.mode, max(shown.pixels.size)) == ("RGB", 50)
    low, high = shown.pixels.convert("L").getextrema()
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert high - low > 100


def test_a_correction_is_about_the_strokes_of_its_digit() -> None:
    page = drawn([(10, 10), (10, 90)], [(50, 10), (90, 50)])
    digits = (read(1, strokes=(0,)), read(7, strokes=(1,)))
    assert correctable(page, digits, 1) == [[(50, 10), (90, 50)]]
    assert correctable(page, (), -1) == page.strokes
    with pytest.raises(DataError, match="only a drawing can be corrected"):
        correctable(Page(100, 10), (), -1)


def test_corrections_are_saved_with_their_label_and_deleted_again(tmp_path: Path) -> None:
    said: list[str] = []
    corrections = Corrections(tmp_path, "ann", said.append)

    def finish() -> list[tuple[int, str, Strokes]]:
        corrections.close()
        return sorted((one.label, one.writer, one.strokes) for one in collection.read(tmp_path))

    unit, other = [[(0.0, 0.0), (1.0, 1.0)]], [[(0.0, 0.0), (0.0, 1.0)]]
    corrections.add(4, [[(50, 10), (90, 50)]], is_part=True)
    assert finish() == [(4, "ann", unit)]
    assert "dvc repro" in said[-1]
    assert "Alt+4 saves the whole drawing as one digit" in said[-1]
    corrections.add(9, [[(50, 10), (90, 50)]], is_part=False)  # of the same strokes: the first label was wrong
    corrections.add(1, [[(10, 10), (10, 90)]], is_part=False)
    assert finish() == [(1, "ann", other), (9, "ann", unit)]
    assert "Alt+1" not in said[-1]
    corrections.delete_last()
    assert finish() == [(9, "ann", unit)]
    (path,) = tmp_path.iterdir()
    path.unlink()
    path.mkdir()  # what can't be deleted as a file

    def delete() -> None:
        corrections.delete_last()

    def add() -> None:
        corrections.add(8, [[(50, 10), (90, 50)]], is_part=False)

    for change in (delete, add):
        change()
        assert "can't be deleted" in said[-1]
        assert not corrections.busy


def test_a_correction_that_can_not_be_written_is_told() -> None:
    with pytest.raises(DataError, match=r"/proc/x can't be written to: .* Nothing was saved"):
        save(Path("/proc/x"), 1, [[(0, 0)]], "ann")


def test_digits_are_asked_for_saved_by_who_wrote_them_skipped_and_asked_for_again(tmp_path: Path) -> None:
    collecting = Collecting(Corrections(tmp_path, "me", lambda _: None, advice=""))

    def saved() -> list[tuple[int, str]]:
        collecting.corrections.close()
        return [(one.label, one.writer) for one in collection.read(tmp_path)]

    def asked_for() -> int:
        return int(re.findall(r"\d", collecting.prompt)[0])

    with pytest.raises(DataError, match=r"nothing is drawn\. Write an? \d.*, or skip it"):
        collecting.take([], "ann")
    first = asked_for()
    collecting.take([[(0, 0), (1, 1)]], "ann")
    collecting.skip()
    third = asked_for()
    collecting.take([[(0, 0), (0, 1)]], "bob")
    assert sorted(saved()) == sorted([(first, "ann"), (third, "bob")])
    collecting.undo()
    assert asked_for() == third
    assert saved() == [(first, "ann")]
    collecting.undo()  # of what was skipped, nothing was saved
    assert saved() == [(first, "ann")]
    labels = []
    collecting.undo()
    for number in range(COUNT):
        labels.append(asked_for())
        assert (", once more" in collecting.prompt) == (number > 0 and labels[-1] == labels[-2])
        collecting.skip()
    assert sorted(labels) == sorted(list(range(10)) * (COUNT // 10))
    assert collecting.prompt == "Thank you. That was all."
    collecting.skip()
    collecting.take([[(0, 0)]], "ann")
    assert saved() == []


def test_the_digit_that_is_selected() -> None:
    digits = [read(1, strokes=(0, 3)), read(2, strokes=(1,)), read(3, strokes=(2,))]
    assert selected(digits, -1, 3) == 0
    assert selected(digits, 1, 3) == 1
    assert selected(digits, 7, 9) == 2


def test_words_and_sizes_of_answers() -> None:
    assert wording.label(read(7, probability=0.9999)) == "7  > 99.9 %"  # nothing is certain
    assert wording.label(read(3, "uncertain", probability=0.5)) == "3?  50.0 %"
    assert wording.label(read(3, "none")) == "no digit"
    assert [wording.percent(part) for part in (1.0, 0.9, 0.0001)] == ["> 99.9 %", "90.0 %", "0 %"]
    assert [wording.with_article(digit) for digit in (7, 8)] == ["a 7", "an 8"]
    assert sentence("there is none.") == "There is none."
    assert wording.headline("not sure: 3 or 8") == "not sure:\n3 or 8"
    points = [wording.headline_points(answer, 226, 118) for answer in ("7", "2026", "not sure:\n3 or 8")]
    assert points == sorted(points, reverse=True)
    assert wording.headline_points("2026", 126, 118) < points[1]
    assert wording.subtitle(Reading((read(7),)), 0) == "90.0 % sure"
    assert wording.subtitle(Reading((read(1), read(7))), 1) == "digit 2 of 2: 7  90.0 %"


def test_a_label_begins_where_its_digit_does_and_says_less_where_there_is_little_room() -> None:
    digits = [read(1), read(7), read(3, "none"), replace(read(8, "uncertain"), row=1), replace(read(0), row=1)]
    placed = wording.place(digits, [0.0, 20.0, 105.0, 50.0, 195.0], 200.0, lambda text: 10.0 * len(text))
    assert [label.text for label in placed] == ["1", "7", "no digit", "8?  90.0 %", "0"]
    assert [(label.left, label.right) for label in placed] == [(0, 10), (20, 30), (105, 185), (50, 150), (190, 200)]
    close = wording.place([read(1), read(1), read(1)], [0.0, 4.0, 8.0], 200.0, lambda text: 10.0 * len(text))
    assert [(label.left, label.right) for label in close] == [(0, 10), (10, 20), (20, 110)]  # no two overlap


def test_ink_is_coloured_where_it_is_evidence_and_on_its_own_digit_alone() -> None:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 10:18] = 255
    reason = np.full((28, 28), 128, np.uint8)
    reason[4:14], reason[14:24] = 255, 1
    why = Explanation(1, 0, picture.tobytes(), (Reason(1, reason.tobytes()), Reason(7, reason.tobytes())), ())
    colours = Image.new("RGB", (300, 300), LIGHT.ink)
    strokes = Image.new("L", (300, 300), 255)
    heat.paint(colours, strokes, why, (110, 60, 170, 240), LIGHT, fill=False)
    above, below, beside = (colours.getpixel(point) for point in ((140, 100), (140, 200), (260, 150)))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    assert above[2] > above[0]  # blue: for
    assert below[0] > below[2]  # orange: against
    assert beside == (0x1D, 0x20, 0x30)
    tinted = heat.tinted(why.picture, why.reasons[0][1], 112, LIGHT)
    assert tinted.getpixel((2, 2)) == (255, 255, 255)


def test_a_digit_that_could_not_be_saved_is_asked_for_though_the_next_is_written_already(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    collecting = Collecting(Corrections(tmp_path / "file", "me", lambda _: None, advice=""))
    prompt = collecting.prompt
    for strokes in ([[(0.0, 0.0), (1.0, 1.0)]], [[(0.0, 0.0), (0.0, 1.0)]]):
        collecting.take(strokes, "ann")
    collecting.corrections.close()
    assert (collecting.prompt, collecting.returned) == (prompt, [[(0, 0), (1, 1)]])


def test_a_collection_in_the_project_is_named_by_its_place_there() -> None:
    assert shown(COLLECTION) == "data/drawings"
    assert shown(Path("/elsewhere/drawings")) == str(Path("/elsewhere/drawings"))


def test_taking_back_a_digit_that_could_not_be_saved_deletes_none_that_was(tmp_path: Path) -> None:
    said: list[str] = []
    corrections = Corrections(tmp_path / "drawings", "me", said.append, advice="")
    collecting = Collecting(corrections)
    collecting.take([[(0, 0), (1, 1)]], "ann")
    collecting.corrections.close()
    (tmp_path / "file").touch()
    corrections.folder = tmp_path / "file"  # in which nothing can be saved
    prompt = collecting.prompt
    collecting.take([[(0, 0), (0, 1)]], "ann")
    collecting.corrections.close()
    assert "Nothing was saved" in said[-1]
    assert collecting.prompt == prompt  # it is asked for again, with its strokes
    assert collecting.returned == [[(0, 0), (0, 1)]]
    collecting.skip()
    assert not collecting.returned
    collecting.undo()
    collecting.corrections.close()
    assert len(collection.read(tmp_path / "drawings")) == 1
