"""From the strokes of a pen to a picture like MNIST's.

The pen has one width in every picture, whatever brush drew the strokes: only the points count, and they are brought to
MNIST's box before anything is drawn. So position, size, brush and the number of points on the way make no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.images.arrays import SIDE, Images
from pipeline.images.preprocessing import BOX

Point = tuple[float, float]
Stroke = Sequence[Point] | NDArray[np.float64]  # or (points, 2)


@dataclass(frozen=True)
class LabelledDrawing:
    """What somebody drew, and which digit it is."""

    label: int  # 0 to 9
    strokes: list[list[Point]]  # in any unit, y downward; at least one point
    writer: str = ""  # who drew it; "" if nobody knows
    date: str = ""  # when, in ISO 8601; "" if nobody knows


PEN = 2.7  # width of a stroke, pixels: the median of MNIST's training images, as 2 x ink / length of its edge
EDGE = 1.0  # width of the grey rim on either side of the ink, pixels; as in MNIST, by its share of grey pixels
STEP = 0.25  # points nearer to each other than this are one, pixels

POINTS = 48  # that stand for a stroke where its distance to others is asked

_LINE = np.arange(SIDE, dtype=np.float32) + 0.5  # middles of the pixels


def resample(stroke: Stroke) -> NDArray[np.float64]:
    """`POINTS` points at even distances along a stroke, (n, 2) float64; one for a dot."""
    points = np.asarray(stroke, np.float64).reshape(-1, 2)
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])  # to each point
    if way[-1] == 0:
        return points[:1]
    places = np.linspace(0, way[-1], POINTS)
    return np.stack([np.interp(places, way, points[:, axis]) for axis in (0, 1)], axis=1)


def render(strokes: Sequence[Stroke], pen: float = PEN) -> Images:
    """Draw the strokes of one digit as MNIST would have it.

    The longer side of the ink fills 20 pixels, and the centre of mass is in the middle of the picture: exactly, where MNIST
    rounds to whole pixels, so that the least change of a point is the least change of the picture.

    Args:
        strokes: lists of (x, y), in any unit, y downward. A stroke of one point is a dot; empty ones are left out.
        pen: width of a stroke, pixels.

    Returns:
        (28, 28) uint8, 0 to 255, ink bright on dark; all 0 if there is no point.
    """
    lines = [np.asarray(stroke, np.float64).reshape(-1, 2) for stroke in strokes if len(stroke)]
    if not lines:
        return np.zeros((SIDE, SIDE), np.uint8)
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    scale = (BOX - pen) / extent if extent > 0 else 0.0
    segments = np.concatenate([_segments((line - low) * scale) for line in lines])  # (m, 2 ends, 2)
    size = (high - low) * scale + pen  # width and height of the ink
    middle = np.array([SIDE / 2, SIDE / 2]) - _centre_of_mass(segments)
    corner = np.clip(middle - pen / 2, EDGE / 2, SIDE - EDGE / 2 - size)  # the ink stays inside of the picture
    return _draw(segments + corner + pen / 2, pen)


def _segments(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """(points, 2) -> (points - 1, 2 ends, 2), without points that add nothing; a dot is a segment of no length."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])  # to each point
    kept = np.flatnonzero(np.diff(np.floor(way / STEP), prepend=-1.0))
    ends = line[[*kept, len(line) - 1]]
    return np.stack([ends[:-1], ends[1:]], axis=1)


def _centre_of_mass(segments: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,): of the ink, which lies evenly along the segments."""
    lengths = np.hypot(*(segments[:, 1] - segments[:, 0]).T) + 1e-9
    centre: NDArray[np.float64] = lengths @ segments.mean(axis=1) / lengths.sum()
    return centre


def _draw(segments: NDArray[np.float64], pen: float) -> Images:
    """Ink by the distance of each pixel to the nearest segment, (m, 2 ends, 2): smooth, and round at ends and joints."""
    begin = segments[:, 0].astype(np.float32)
    way = (segments[:, 1] - segments[:, 0]).astype(np.float32)
    squared = np.maximum((way * way).sum(axis=1), 1e-12)[:, np.newaxis, np.newaxis]
    x, y = _LINE - begin[:, :1], _LINE - begin[:, 1:]  # (m, 28)
    along = (x * way[:, :1])[:, np.newaxis] + (y * way[:, 1:])[:, :, np.newaxis]  # (m, 28 rows, 28 columns)
    part = np.clip(along / squared, 0, 1)  # of the segment, to the point that is nearest
    distance = part * (part * squared - 2 * along) + (x * x)[:, np.newaxis] + (y * y)[:, :, np.newaxis]  # squared
    ink = np.clip((pen / 2 - np.sqrt(np.maximum(distance.min(axis=0), 0))) / EDGE + 0.5, 0, 1)
    picture: Images = np.round(ink * 255).astype(np.uint8)
    return picture
