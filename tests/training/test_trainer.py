"""Trains real, small networks."""

import io
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pipeline.config.schema import Configuration
from pipeline.data import datasets
from pipeline.images.arrays import Split
from pipeline.images.strokes import LabelledDrawing
from pipeline.inference import exported
from pipeline.sweep import trial
from pipeline.sweep.data import TrialData
from pipeline.system import tensorflow_setup
from pipeline.system.errors import TrainingDiverged
from pipeline.training.augment import augmentation
from pipeline.training.calibration import cross_entropy, temperature
from tests.data.test_datasets import configured
from tests.hand import DIGITS

if TYPE_CHECKING:  # it imports TensorFlow
    from pipeline.training.trainer import Trainer

SMALL = ("dataset=digits", "model=mlp", "model.dense=[{units: 32, activation: relu}]", "training.epochs=3")


@pytest.fixture(scope="module")
def splits() -> dict[str, Split]:
    return datasets.read(configured("dataset=digits").dataset)


@pytest.fixture(autouse=True)
def _tensorflow() -> None:
    tensorflow_setup.start()


def training(configuration: Configuration, train: Split, validation: Split, checkpoint: Path | None = None) -> "Trainer":
    """A training of what `configuration` says."""
    from pipeline.training.trainer import Trainer

    return Trainer(configuration, train, validation, 0.15, 0.3, checkpoint)


def trainer(splits: dict[str, Split], *overrides: str, checkpoint: Path | None = None) -> "Trainer":
    """A training of a small network on the bundled digits."""
    return training(configured(*SMALL, *overrides), splits["train"], splits["validation"], checkpoint)


@pytest.mark.slow
def test_the_default_network_learns_the_digits(splits: dict[str, Split]) -> None:
    configuration = configured("dataset=digits", "training.epochs=5")
    running = training(configuration, splits["train"], splits["validation"])
    network = running.fit()
    assert running.best.validation_accuracy > 0.9
    probabilities = exported.predict(network, splits["test"].images)
    assert probabilities.shape == (len(splits["test"].labels), 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == splits["test"].labels).mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ("optimizer=adam", "schedule=cosine"),
        ("optimizer=adamw", "training.precision=mixed_bfloat16"),
        ("optimizer=sgd", "training.precision=mixed_float16", "optimizer.ema_momentum=0.9"),
        ("optimizer=muon", "optimizer.gradient_clip_norm=1.0"),
        ("optimizer.weight_decay=0.001", "optimizer.gradient_clip_norm=1.0", "optimizer.ema_momentum=0.999"),
        ("schedule=constant", "optimizer.learning_rate=1.0", "augment=strong", "augment.coarse=0.5", "augment.lighting=0.5"),
        ("augment.noise=0.5", "augment.patch=0.5"),
        ("training.xla=true", "augment=none"),
    ],
    ids=" ".join,
)
def test_every_option_trains(splits: dict[str, Split], overrides: tuple[str, ...]) -> None:
    running = trainer(splits, "training.epochs=6", *overrides)
    running.fit()
    assert running.best.validation_accuracy > 0.5  # chance is 0.1


@pytest.mark.slow
def test_a_trial_of_a_sweep_trains_as_the_stage_does_whatever_else_draws_random_numbers(
    splits: dict[str, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = trainer(splits, "model.dropout=0.3", "training.epochs=2")
    alone.fit()
    rows: list[dict[str, float]] = []
    random.seed(5)  # as a thread of Dask's does that draws from the same numbers
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", shown)
    data = TrialData(splits["train"], [], splits["validation"], 0.15, 0.3, "")
    result = trial.fit(configured(*SMALL, "model.dropout=0.3", "training.epochs=2"), data, rows.append)
    assert result.validation_accuracy == alone.best.validation_accuracy
    assert [row["validation_loss"] for row in rows] == pytest.approx([row.validation_loss for row in alone.history], rel=1e-4)
    assert shown.getvalue() == ""  # the terminal is the coordinator's


@pytest.mark.slow
def test_a_trial_with_drawings_and_non_digits_trains_as_the_stage_does_also_after_another(splits: dict[str, Split]) -> None:
    from pipeline.training.augment import extended
    from pipeline.training.trainer import Trainer

    drawings = [LabelledDrawing(digit, DIGITS[digit]) for digit in range(10)]
    data = TrialData(splits["train"], drawings, splits["validation"], 0.15, 0.3, "with drawings")
    losses = []
    for negatives in (0.2, 0.2, 0.0, 0.2):
        configuration = configured(*SMALL, "training.epochs=1", "augment=light", f"augment.negatives={negatives}")
        images = extended(data.train, drawings, configuration.augment, configuration.training.seed)
        alone = Trainer(configuration, images, data.validation, data.mean, data.standard_deviation)
        alone.fit()
        losses.append(trial.fit(configuration, data, lambda _: None).validation_loss)
        assert losses[-1] == pytest.approx(alone.best.validation_loss, rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_network_and_another_gives_another(splits: dict[str, Split]) -> None:
    one, same, other = (trainer(splits, f"training.seed={seed}") for seed in (0, 0, 1))
    weights = [running.fit().get_weights()[0] for running in (one, same, other)]
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-5)
    assert np.abs(weights[0] - weights[2]).max() > 0.01


@pytest.mark.slow
def test_the_weights_kept_are_those_of_the_best_epoch(splits: dict[str, Split]) -> None:
    # A learning rate that goes up: the first epochs are the better ones.
    running = trainer(splits, "schedule=constant", "optimizer=sgd", "optimizer.learning_rate=0.6", "training.epochs=8")
    running.fit()
    _, accuracy = running._validate()
    assert accuracy == pytest.approx(running.best.validation_accuracy)


@pytest.mark.slow
def test_training_stops_early_when_it_no_longer_gets_better(splits: dict[str, Split]) -> None:
    running = trainer(splits, "training.epochs=60", "training.early_stopping_patience=2", "schedule=constant")
    running.fit()
    assert len(running.history) < 60
    assert len(running.history) - running.best.epoch == 2


@pytest.mark.slow
def test_an_interrupted_training_ends_as_if_it_had_not_been(splits: dict[str, Split], tmp_path: Path) -> None:
    straight = trainer(splits, "model.dropout=0.3", "optimizer.ema_momentum=0.9")
    expected = straight.fit().get_weights()

    def interrupt(epoch: Any) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "state.npz"
    overrides = ("model.dropout=0.3", "optimizer.ema_momentum=0.9")
    with pytest.raises(KeyboardInterrupt):
        trainer(splits, *overrides, checkpoint=checkpoint).fit(interrupt)
    seen: list[int] = []
    resumed = trainer(splits, *overrides, checkpoint=checkpoint)
    weights = resumed.fit(lambda epoch: seen.append(epoch.epoch)).get_weights()
    assert seen == [1, 2, 3]
    assert resumed.history[0].seconds > 0
    for one, other in zip(expected, weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_read_is_told_and_training_begins_anew(
    splits: dict[str, Split], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "state.npz"
    for content in (b"rubbish", b"PK\x03\x04rubbish", b""):
        checkpoint.write_bytes(content)
        running = trainer(splits, "training.epochs=1", checkpoint=checkpoint)
        running.fit()
        assert len(running.history) == 1
        assert "begins anew" in capsys.readouterr().out


def test_a_loss_that_is_no_number_is_told_with_what_to_change(splits: dict[str, Split]) -> None:
    with pytest.raises(TrainingDiverged, match=r"optimizer\.learning_rate"):
        trainer(splits, "optimizer=sgd", "optimizer.learning_rate=1.0e+18").fit()


@pytest.mark.slow
def test_overfitting_one_batch_works(splits: dict[str, Split]) -> None:
    configuration = configured("experiment=overfit")
    train = Split(splits["train"].images[:128], splits["train"].labels[:128])
    running = training(configuration, train, splits["validation"])
    running.fit()
    assert running.history[-1].accuracy == 1.0


@pytest.mark.slow
def test_the_temperature_is_that_with_which_labels_were_drawn() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 4, (20_000, 10)).astype(np.float32)
    drawn = (logits / 2 + random.gumbel(size=logits.shape)).argmax(axis=1).astype(np.uint8)  # by their softmax at 2
    assert temperature(logits, drawn) == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("count", [10, 144])
def test_a_few_images_that_are_all_read_right_make_no_network_certain(count: int) -> None:
    logits = np.random.default_rng(0).normal(0, 4, (count, 10)).astype(np.float32)
    scaled = logits / temperature(logits, logits.argmax(axis=1).astype(np.uint8))
    confidence = (np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)).max(axis=1)
    assert 0.8 < confidence.mean() < 1 - 0.5 / count


def test_calibration_changes_no_answer_and_lowers_the_loss(splits: dict[str, Split]) -> None:
    running = trainer(splits, "training.epochs=6")
    before = exported.predict(running.fit(), splits["validation"].images)
    running.calibrate()
    after = exported.predict(running.network, splits["validation"].images)
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    modest, calibrated = (
        cross_entropy(np.log(probabilities), splits["validation"].labels) for probabilities in (before, after)
    )
    assert calibrated < modest
    assert calibrated == pytest.approx(running.best.validation_loss, rel=1e-4)  # by which the epoch was chosen


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_schedule_stays_between_zero_and_its_peak(schedule: str, steps: int) -> None:
    rates = configured(f"schedule={schedule}").schedule.learning_rates(4.0, steps)
    assert rates.shape == (steps,)
    assert rates.dtype == np.float32
    assert (rates >= 0).all()
    assert (rates <= 4.0).all()
    if steps == 100 and schedule != "constant":
        assert rates.max() == pytest.approx(4.0, rel=0.01)
        assert rates[-1] < 0.1
        assert (np.diff(rates[rates.argmax() :]) <= 0).all()


@pytest.mark.parametrize("option", ["none", "light", "strong"])
def test_augmentation_keeps_the_form_changes_as_configured_and_hangs_on_its_seed(option: str, splits: dict[str, Split]) -> None:
    import tensorflow as tf

    images = tf.constant(splits["train"].images[:64, ..., np.newaxis] / np.float32(255))
    apply = tf.function(augmentation(configured(f"augment={option}", "augment.lighting=0.0").augment))
    one, same, other = (apply(images, tf.constant([0, step])).numpy() for step in (5, 5, 6))
    assert one.shape == (64, 28, 28, 1)
    assert one.min() >= -1e-6
    assert one.max() <= 1 + 1e-6
    assert (one == same).all()
    assert (one != other).any() == (option != "none")
    if option == "none":
        assert (one == images.numpy()).all()
    else:  # the same digits still: as much ink, about where it was
        assert one.sum() == pytest.approx(images.numpy().sum(), rel=0.15)
        correlation = np.corrcoef(one.mean(axis=0).ravel(), images.numpy().mean(axis=0).ravel())[0, 1]
        assert correlation > 0.9


def test_a_veil_brightens_the_paper_and_a_small_scan_is_black_and_white(splits: dict[str, Split]) -> None:
    import tensorflow as tf

    images = splits["train"].images[:64, ..., np.newaxis] / np.float32(255)
    seed = tf.constant([0, 5])
    veiled = augmentation(configured("augment=none", "augment.lighting=1.0").augment)(tf.constant(images), seed).numpy()
    paper = images == 0
    assert veiled[paper].mean() > 0.1
    assert np.corrcoef(veiled[5].ravel(), images[5].ravel())[0, 1] > 0.9
    coarse = augmentation(configured("augment=none", "augment.coarse=1.0").augment)(tf.constant(images), seed).numpy()
    assert np.mean((coarse > 0.1) & (coarse < 0.9)) < np.mean((images > 0.1) & (images < 0.9))
    assert np.corrcoef(coarse.ravel(), images.ravel())[0, 1] > 0.8


def test_a_squared_digit_is_as_wide_as_high_unless_that_were_more_than_five_times_as_wide() -> None:
    import tensorflow as tf

    images = np.zeros((3, 28, 28, 1), np.float32)
    for image, width in zip(images, (2, 10, 20), strict=True):
        image[4:24, 14 - width // 2 : 14 + width // 2] = 1
    squared = augmentation(configured("augment=none", "augment.square=1.0").augment)(tf.constant(images), tf.constant([0, 5]))
    np.testing.assert_allclose(squared.numpy().sum(axis=(1, 2, 3)) / 20, [10, 20, 20], atol=0.1)
    as_it_is = augmentation(configured("augment=none", "augment.square=0.0").augment)(tf.constant(images), tf.constant([0, 5]))
    assert (as_it_is.numpy() == images).all()


def test_noise_changes_every_pixel_and_a_patch_is_a_rectangle_of_one_brightness(splits: dict[str, Split]) -> None:
    import tensorflow as tf

    images = splits["train"].images[:64, ..., np.newaxis] / np.float32(255)
    seed = tf.constant([0, 5])
    noisy = augmentation(configured("augment=none", "augment.noise=1.0").augment)(tf.constant(images), seed).numpy()
    grey = (images > 0.4) & (images < 0.6)  # where nothing is clipped
    deviations = [np.std((noisy - images)[image][grey[image]]) for image in range(64)]
    assert 0 < min(deviations) < 0.1
    assert 0.3 < max(deviations) < 0.6
    assert (noisy.min(), noisy.max()) == (0, 1)
    covered = augmentation(configured("augment=none", "augment.patch=1.0").augment)(tf.constant(images), seed).numpy()
    for one, before in zip(covered, images, strict=True):
        rows, columns, _ = np.nonzero(one != before)
        if len(rows):  # a patch may lie on paper as dark as itself, or beyond the edge
            patch = one[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert np.ptp(patch) < 1e-6
            assert max(patch.shape) <= 11
    assert (covered != images).any(axis=(1, 2, 3)).mean() > 0.8


def test_thickness_makes_some_strokes_thicker_and_some_thinner(splits: dict[str, Split]) -> None:
    import tensorflow as tf

    images = tf.constant(splits["train"].images[:64, ..., np.newaxis] / np.float32(255))
    apply = augmentation(configured("augment=none", "augment.thickness=1.0").augment)
    ratio = apply(images, tf.constant([0, 0])).numpy().sum(axis=(1, 2, 3)) / images.numpy().sum(axis=(1, 2, 3))
    assert ratio.max() > 1.2
    assert ratio.min() < 0.8


def test_the_network_has_the_layers_of_the_configuration() -> None:
    from pipeline.training import network

    textbook = network.build(configured("experiment=textbook").model, 0.13, 0.31, 0)
    kinds = [type(layer).__name__ for layer in textbook.layers]
    assert kinds == (
        ["InputLayer"]
        + ["Conv2D", "Activation"] * 2
        + ["MaxPooling2D", "Dropout", "Flatten", "Dense", "Dropout", "Dense", "Softmax"]
    )
    assert textbook.count_params() == 2_380_938  # 320 + 18,496 + 2,359,552 + 2,570
    normalized = network.build(
        configured("model.blocks.0.batch_normalization=true", "model.blocks.1.pooling=average").model, 0, 1, 0
    )
    kinds = [type(layer).__name__ for layer in normalized.layers]
    assert "BatchNormalization" in kinds
    assert kinds[0] == "InputLayer"
