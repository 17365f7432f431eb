import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from pipeline.evaluation import metrics
from pipeline.evaluation.report import measure
from pipeline.images.arrays import Split
from tests.data.test_datasets import configured

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 10, 500).astype(np.uint8)
PROBABILITIES = RANDOM.dirichlet(np.ones(10) * 0.3, 500).astype(np.float32)
PROBABILITIES[:300] = np.eye(10, dtype=np.float32)[LABELS[:300]] * 0.8 + 0.02
PREDICTED = PROBABILITIES.argmax(axis=1)


def test_precision_recall_and_f1_of_each_class_stand_in_its_row() -> None:
    rows = metrics.per_class(LABELS, PREDICTED)
    for key, score in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        np.testing.assert_allclose([row[key] for row in rows], score(LABELS, PREDICTED, average=None))
    assert sum(row["images"] for row in rows) == 500


def test_a_class_that_is_never_there_or_never_predicted_has_zeros_and_no_warning() -> None:
    rows = metrics.per_class(np.zeros(3, np.uint8), np.ones(3, np.int64))
    assert len(rows) == 10
    assert all(row["precision"] == row["recall"] == row["f1"] == 0 for row in rows)


def test_the_interval_of_an_accuracy_is_wilsons() -> None:
    # Newcombe, 1998, table I: 81 of 263, and 0 of 20.
    assert metrics.wilson_interval(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert metrics.wilson_interval(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=1e-4)
    low, high = metrics.wilson_interval(10_000, 10_000, 0.95)
    assert 0.999 < low < high == 1.0


def test_the_interval_of_a_mean_is_the_normal_ones_and_stays_between_0_and_1() -> None:
    values = np.array([0.0, 1.0] * 50)
    reach = 1.959964 * values.std(ddof=1) / 10
    assert metrics.mean_interval(values, 0.95) == pytest.approx((0.5 - reach, 0.5 + reach))
    assert metrics.mean_interval(np.array([1.0, 1.0, 0.9]), 0.99)[1] == 1.0


def test_probabilities_that_mean_what_they_say_have_no_calibration_error() -> None:
    probabilities = np.full((1000, 10), 0.2 / 9, np.float32)
    probabilities[:, 3] = 0.8
    labels = np.where(np.arange(1000) < 800, 3, 4).astype(np.uint8)
    rows = metrics.calibration(labels, probabilities, 15)
    assert metrics.expected_calibration_error(rows) == pytest.approx(0, abs=1e-6)
    rows = metrics.calibration(np.full(1000, 4, np.uint8), probabilities, 15)
    assert metrics.expected_calibration_error(rows) == pytest.approx(0.8)


def test_certainty_falls_into_the_last_bin() -> None:
    rows = metrics.calibration(np.zeros(2, np.uint8), np.eye(10, dtype=np.float32)[[0, 1]], 10)
    assert rows == [{"confidence": 1.0, "accuracy": 0.5, "images": 2}]


def test_the_worst_mistakes_are_wrong_and_sorted_by_confidence() -> None:
    worst = metrics.worst_mistakes(LABELS, PROBABILITIES, 20)
    assert (PREDICTED[worst] != LABELS[worst]).all()
    confidence = PROBABILITIES[worst].max(axis=1)
    assert (np.diff(confidence) <= 0).all()
    assert confidence[0] == PROBABILITIES[PREDICTED != LABELS].max()
    assert len(metrics.worst_mistakes(LABELS, np.eye(10, dtype=np.float32)[LABELS], 5)) == 0


def test_the_report_counts_every_picture() -> None:
    split = Split(np.zeros((500, 28, 28), np.uint8), LABELS)
    values = measure(split, PROBABILITIES, configured().evaluation)
    assert values["test_images"] == 500
    assert values["test_accuracy"] == pytest.approx(1 - values["test_mistakes"] / 500)
    assert values["test_loss"] == pytest.approx(-np.log(PROBABILITIES[np.arange(500), LABELS].clip(1e-7)).mean(), rel=1e-2)
    assert values["test_accuracy_low"] < values["test_accuracy"] < values["test_accuracy_high"]
