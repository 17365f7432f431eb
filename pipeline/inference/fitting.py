"""Networks that take the pixels in another form or range: layers in front bring them there."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipeline.images.arrays import SIDE

if TYPE_CHECKING:
    import keras

MARGIN = 2  # pixels around images of 32 x 32, as LeNet takes them


def fitted(network: "keras.Model") -> "keras.Model":
    """A network that takes images, (n, 28, 28, 1), made of one that takes the same pixels in another form.

    Such are (784,), (28, 28), (1, 28, 28), open sides, (32, 32, 1) with a margin, and three equal channels. Of any other form
    the network is returned as it is. The weights are still to be loaded.
    """
    if network.input_shape == (None, SIDE, SIDE, 1) or len(network.inputs) != 1 or len(network.outputs) != 1:
        return network
    shape = [SIDE if side is None and place < 2 else side for place, side in enumerate(network.inputs[0].shape[1:])]
    form = _form(shape)
    return preceded(network, form) if form else network


def preceded(network: "keras.Model", form: Callable[[Any], Any]) -> "keras.Model":
    """A functional network without weights, from images, (n, 28, 28, 1), that `form` brings into what `network` takes.

    The layers of `form` stand among the network's own, so that what explains a network by its layers explains this one too.
    """
    import keras

    images = keras.Input((SIDE, SIDE, 1))
    given = form(images)

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        arguments, options = keras.tree.map_structure(lambda each: given if each is images else each, (arguments, options))
        return layer(*arguments, **options)

    functional = keras.Model(network.inputs[0], network.outputs[0])  # a Sequential can't be cloned with other calls
    return keras.models.clone_model(functional, input_tensors=images, call_function=call)


def _form(shape: list[Any]) -> Callable[[Any], Any] | None:
    """What brings a symbolic tensor (n, 28, 28, 1) to `shape`; None if nothing does."""
    from keras import layers

    larger = SIDE + 2 * MARGIN
    margin = layers.ZeroPadding2D(MARGIN if larger in shape else 0, name="given_margin")
    if shape in ([SIDE, SIDE, 3], [larger, larger, 3]):
        return lambda images: layers.Concatenate(name="given_channels")([margin(images)] * 3)
    if [side for side in shape if side != 1] in ([SIDE, SIDE], [SIDE * SIDE], [larger, larger]):
        return lambda images: layers.Reshape(shape, name="given_shape")(margin(images))
    return None
