"""Why a network answers as it does: which ink spoke for a digit, and what its convolutions make of an image."""

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.images.arrays import SIDE, Images, network_input

if TYPE_CHECKING:
    import keras

STEPS = 16  # of the integral along the way from blank paper to the image
ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU")


class Explainer:
    """Explains the answers of a network, given as a model from network input to probabilities, and as one to logits."""

    def __init__(self, network: "keras.Model", logits: "keras.Model") -> None:
        self._network, self._logits = network, logits

    def saliency(self, picture: Images, digit: int) -> NDArray[np.float32]:
        """Which ink spoke for a digit, and which against it.

        Integrated gradients (Sundararajan et al., 2017, https://arxiv.org/abs/1703.01365) from blank paper to the image, of
        the digit's logit above the mean of all.

        Args:
            picture: (28, 28) uint8, 0 to 255, ink bright.
            digit: 0 to 9.

        Returns:
            (28, 28) float32, -1, against it, to 1, for it; 0 on paper. The strongest is 1 or -1.
        """
        parts = (np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS
        given = network_input(picture[np.newaxis])  # (1, 28, 28, 1)
        gradients = self._gradients(parts[:, None, None, None] * given, np.int32(digit))
        shares: NDArray[np.float32] = (np.asarray(gradients).mean(axis=0) * given[0])[..., 0]
        return shares / max(float(np.abs(shares).max()), 1e-12)

    @cached_property
    def _gradients(self) -> Any:
        """A traced function: of images and a digit, the gradients of its logit above the mean of all."""
        import tensorflow as tf

        def gradients(images: Any, digit: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = self._logits(images, training=False)  # (n, 10)
                above = logits[:, digit] - tf.reduce_mean(logits, axis=1)
            return tape.gradient(above, images)

        signature = [tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32), tf.TensorSpec((), tf.int32)]
        return tf.function(gradients, input_signature=signature, autograph=False)

    def feature_maps(self, picture: Images) -> list[tuple[str, NDArray[np.float32]]]:
        """What each convolution layer makes of an image, (28, 28) uint8, after its activation.

        That is, of each its name and its maps, (height, width, channels) float32.
        """
        found = self._maps(network_input(picture[np.newaxis])) if self._convolutions else {}
        return [(name, np.asarray(found[name])[0]) for name in self._convolutions]

    @cached_property
    def _maps(self) -> Any:
        """A traced function: of images, the outputs of all convolutions by name."""
        import keras
        import tensorflow as tf

        return tf.function(partial(keras.Model(self._network.inputs, self._convolutions), training=False), autograph=False)

    @cached_property
    def _convolutions(self) -> dict[str, Any]:
        """Of each convolution, by name, its output, or that of the activation which follows it."""
        found: dict[str, Any] = {}
        without_activation = ""
        for layer in self._network.layers:
            kind = type(layer).__name__
            if kind.endswith("Conv2D"):
                found[layer.name], without_activation = layer.output, layer.name
            elif without_activation and kind in ACTIVATIONS:
                found[without_activation], without_activation = layer.output, ""
            elif kind == "Flatten":
                break
        return found
