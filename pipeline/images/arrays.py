"""The array contract: what images, labels and probabilities are, wherever they are handed on.

| what | shape | dtype | range |
| --- | --- | --- | --- |
| images | (n, 28, 28) | uint8 | 0 to 255, ink bright on dark |
| labels | (n,) | uint8 | 0 to 9 |
| network input | (n, 28, 28, 1) | float32 | 0 to 1 |
| network output, probabilities | (n, 10) | float32 | rows sum to 1 |
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 28  # of a picture, pixels
CLASSES = 10

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Probabilities = NDArray[np.float32]

Ink = NDArray[np.float32]  # (height, width), 0 to 1: how much ink each pixel of a picture holds
Grey = NDArray[np.float32]  # (height, width), 0, black, to 255, white
Mask = NDArray[np.bool_]  # (height, width)


@dataclass(frozen=True)
class Split:
    """Some images and their labels."""

    images: Images
    labels: Labels


def network_input(images: Images) -> NDArray[np.float32]:
    """Images as the network takes them."""
    return (images.astype(np.float32) / np.float32(255))[..., np.newaxis]
