"""The training loop: one network, from its first step or from the last epoch that it finished before it was killed."""

import math
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.images.arrays import CLASSES, SIDE, Split, network_input
from pipeline.system.errors import TrainingDiverged
from pipeline.system.paths import replacing
from pipeline.system.progress import progress_bar
from pipeline.training import calibration
from pipeline.training import network as networks
from pipeline.training.augment import NONE, augmentation
from pipeline.training.options import TrainOptions

VALIDATION_BATCH = 1000  # images at once; no effect on the result
BAR = "{desc}{percentage:.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]"  # of steps; without their rate, for narrow terminals


@dataclass(frozen=True)
class Epoch:
    """A row of the history. Losses are mean cross-entropies in nats, accuracies and rates as they are, times in seconds.

    The validation loss is that after calibration: without, label smoothing lets it rise while a network learns.
    """

    epoch: int
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass
class Trainer:
    """Trains one network.

    Args:
        configuration: its model, optimizer, schedule, augment and training are used.
        train: images to train on; those labelled `NONE` are no digits.
        validation: images to choose the best epoch by.
        mean: of the training images' pixels, 0 to 1.
        standard_deviation: likewise.
        checkpoint: where to keep the state after each epoch, so that a kill costs one epoch at most; None: nowhere.
        shows_progress: whether a terminal gets to see every step.
    """

    configuration: TrainOptions
    train: Split
    validation: Split
    mean: float
    standard_deviation: float
    checkpoint: Path | None = None
    history: list[Epoch] = field(default_factory=list)
    shows_progress: bool = True

    def __post_init__(self) -> None:
        options = self.configuration.training
        self._build()
        self._logits = networks.logits_of(self.network)
        self._augment = augmentation(self.configuration.augment)
        self._loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=options.label_smoothing)
        self._images = tf.constant(self.train.images[..., np.newaxis])  # (n, 28, 28, 1) uint8
        self._labels = tf.constant(self.train.labels)
        # Signatures, or the last batch, which is smaller, is traced again: a second and more.
        step = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.float32)]
        # There is no `if` on a tensor to convert, and AutoGraph leaves a file in the temporary folder for all that it looks at.
        self._step = tf.function(self._train_step, input_signature=step, jit_compile=options.xla, autograph=False)
        picture = [tf.TensorSpec([None, SIDE, SIDE, 1], tf.float32)]
        self._infer = tf.function(partial(self._logits, training=False), input_signature=picture, autograph=False)
        self._best = self.network.get_weights()

    def _build(self) -> None:
        """Make what a training changes: the network, its optimizer, and the moving average of its weights if one is wanted."""
        options = self.configuration.training
        keras.config.set_dtype_policy(options.precision)
        self.network = networks.build(self.configuration.model, self.mean, self.standard_deviation, options.seed)
        keras.config.set_dtype_policy("float32")
        self._optimizer = self.configuration.optimizer.build()
        if options.precision == "mixed_float16":  # small gradients would vanish
            self._optimizer = keras.optimizers.LossScaleOptimizer(self._optimizer)
        self._optimizer.build(self.network.trainable_variables)
        averaged = self.network.trainable_variables if self.configuration.optimizer.ema_momentum else []
        self._average = [tf.Variable(weight) for weight in averaged]

    @property
    def _state(self) -> list[Any]:
        """All variables that a training changes, always in the same order."""
        return [*self.network.weights, *self._optimizer.variables, *self._average]

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss: a few images, by which the accuracies of late epochs differ, are luck."""
        return min(self.history, key=lambda epoch: epoch.validation_loss)

    @property
    def seconds(self) -> float:
        """What the finished epochs took, validation included, killed attempts included."""
        return sum(epoch.seconds for epoch in self.history)

    def fit(self, on_epoch: Callable[[Epoch], None] = lambda _: None) -> keras.Model:
        """Train to the end, or until it no longer gets better, and return the network with the best epoch's weights.

        Args:
            on_epoch: called after every epoch, the ones before a kill included. What it raises ends the training.

        Raises:
            TrainingDiverged: the loss is not a finite number.
        """
        options = self.configuration.training
        steps = math.ceil(len(self.train.labels) / options.batch_size)
        peak = self.configuration.optimizer.learning_rate
        rates = self.configuration.schedule.learning_rates(peak, steps * options.epochs)
        self._restore()
        for epoch in self.history:
            on_epoch(epoch)
        with progress_bar(steps * options.epochs, steps * len(self.history), BAR, self.shows_progress) as bar:
            while len(self.history) < options.epochs and not self._is_done():
                self._run_epoch(rates.reshape(options.epochs, steps)[len(self.history)], bar)
                on_epoch(self.history[-1])
                self._save()
        self.network.set_weights(self._best)
        return self.network

    def _is_done(self) -> bool:
        patience = self.configuration.training.early_stopping_patience
        return bool(patience and self.history and len(self.history) - self.best.epoch >= patience)

    def _run_epoch(self, rates: NDArray[np.float32], bar: "tqdm[Any]") -> None:
        options, number = self.configuration.training, len(self.history) + 1
        begin = time.perf_counter()
        # The order of images and every random number hang on the seed and the epoch alone, so that a resumed training
        # is the training that was killed.
        order = np.random.default_rng((options.seed, number)).permutation(len(self.train.labels)).astype(np.int32)
        self._reseed_dropout(number)
        loss, right, seen, digits = 0.0, 0, 0, 0
        for step, rate in enumerate(rates):
            batch = order[step * options.batch_size : (step + 1) * options.batch_size]
            seed = np.array([options.seed % 2**31, (number - 1) * len(rates) + step], np.int32)
            batch_loss, batch_right = self._step(tf.constant(batch), tf.constant(seed), tf.constant(rate))
            loss, right, seen = loss + float(batch_loss) * len(batch), right + int(batch_right), seen + len(batch)
            digits += int((self.train.labels[batch] != NONE).sum())
            bar.update()
            if step % 10 == 0:
                bar.set_description(f"epoch {number}/{options.epochs}", refresh=False)
                bar.set_postfix_str(f"loss {loss / seen:.4f}, accuracy {right / max(digits, 1):.2%}", refresh=False)
        current = self._swap_average()
        validation_loss, validation_accuracy = self._validate()
        if not math.isfinite(loss + validation_loss):
            raise TrainingDiverged(
                f"training diverged: the losses of epoch {number} are {loss} and, of the validation split, {validation_loss}, "
                f"and must be finite numbers. Lower optimizer.learning_rate ({self.configuration.optimizer.learning_rate}), or "
                "set optimizer.gradient_clip_norm."
            )
        weights = self.network.get_weights()
        self._swap_back(current)
        self.history.append(
            Epoch(
                epoch=number,
                learning_rate=float(rates[-1]),
                loss=loss / seen,
                accuracy=right / digits,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                seconds=time.perf_counter() - begin,
            )
        )
        if self.best is self.history[-1]:
            self._best = weights

    def _train_step(self, batch: tf.Tensor, seed: tf.Tensor, rate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One step on the images numbered `batch`, (n,) int32. Returns the mean loss and how many were right."""
        images = tf.cast(tf.gather(self._images, batch), tf.float32) / 255.0  # (n, 28, 28, 1)
        labels = tf.cast(tf.gather(self._labels, batch), tf.int32)  # (n,)
        images = self._augment(images, seed)
        with tf.GradientTape() as tape:
            logits = tf.cast(self._logits(images, training=True), tf.float32)  # (n, 10)
            targets = tf.one_hot(labels, CLASSES)  # (n, 10)
            targets = tf.where(labels[:, tf.newaxis] == NONE, 1 / CLASSES, targets)  # no digit: undecided
            loss = self._loss(targets, logits)
            scaled = self._optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.network.trainable_variables)
        self._optimizer.learning_rate = rate
        self._optimizer.apply(gradients, self.network.trainable_variables)
        if self._average:
            # Lower at first, or the initial weights would count for hundreds of steps: as in tf.train.ExponentialMovingAverage,
            # https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage
            steps = tf.cast(self._optimizer.iterations, tf.float32)
            momentum = tf.minimum(self.configuration.optimizer.ema_momentum, (1 + steps) / (10 + steps))
            for average, weight in zip(self._average, self.network.trainable_variables, strict=True):
                average.assign(momentum * average + (1 - momentum) * weight)
        right = tf.math.count_nonzero(tf.argmax(logits, axis=1, output_type=tf.int32) == labels)
        return loss, right

    def _validate(self) -> tuple[float, float]:
        """Mean cross-entropy in nats, once calibrated, and accuracy, on the validation split."""
        logits, labels = self._validation_logits(), self.validation.labels
        with np.errstate(all="ignore"):  # of a network that diverged: told by the caller
            loss = calibration.cross_entropy(logits / calibration.temperature(logits, labels), labels)
        return loss, float((logits.argmax(axis=1) == labels).mean())

    def _validation_logits(self) -> NDArray[np.float32]:
        starts = range(0, len(self.validation.labels), VALIDATION_BATCH)
        batches = [network_input(self.validation.images[begin : begin + VALIDATION_BATCH]) for begin in starts]
        return np.concatenate([np.asarray(self._infer(tf.constant(batch)), np.float32) for batch in batches])  # (n, 10)

    def calibrate(self) -> None:
        """Scale the logits so that the probabilities of the validation split mean what they say: by the `temperature`.

        It becomes part of the last layer's weights. To be called once, after `fit`.
        """
        divisor = calibration.temperature(self._validation_logits(), self.validation.labels)
        layer = self.network.get_layer("logits")
        layer.set_weights([weight / divisor for weight in layer.get_weights()])

    def _swap_average(self) -> list[Any]:
        """Put the moving average in the place of the weights, if there is one; return the weights."""
        current = [weight.numpy() for weight in self.network.trainable_variables]
        if self._average:
            self._swap_back(self._average)
        return current

    def _swap_back(self, values: list[Any]) -> None:
        for value, weight in zip(values, self.network.trainable_variables, strict=True):
            weight.assign(value)

    def _reseed_dropout(self, epoch: int) -> None:
        for number, layer in enumerate(self.network.layers):
            if isinstance(layer, keras.layers.Dropout):
                state = np.random.default_rng((self.configuration.training.seed, epoch, number)).integers(2**32, size=2)
                layer.seed_generator.state.assign(state)

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        arrays: dict[str, Any] = {f"state{number}": np.asarray(value) for number, value in enumerate(self._state)}
        arrays |= {f"best{number}": value for number, value in enumerate(self._best)}
        rows = np.array([list(asdict(epoch).values()) for epoch in self.history])
        with replacing(self.checkpoint) as temporary:
            np.savez(temporary, history=rows, **arrays)

    def _restore(self) -> None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        try:
            with self.checkpoint.open("rb") as file, np.load(file) as saved:
                state = [saved[f"state{number}"] for number in range(len(self._state))]
                self._best = [saved[f"best{number}"] for number in range(len(self._best))]
                rows = saved["history"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            print(f"{self.checkpoint} can't be read ({error}): training begins anew.")
            return
        for value, variable in zip(state, self._state, strict=True):
            variable.assign(value)
        self.history = [Epoch(int(row[0]), *map(float, row[1:])) for row in rows]
        print(f"Resuming after epoch {len(self.history)}, the last one that was finished.")
