"""Strokes as another hand would write them: random changes of a drawing, before anything is drawn.

A warp of 28 x 28 pixels moves ink; it can't lengthen a stroke, lift one off another, or round a corner and leave the pen's
width as it is. Varying pen trajectories to train handwriting recognizers: Plamondon and Srihari, On-Line and Off-Line
Handwriting Recognition, 2000; Bhattacharya et al., A Sigma-Lognormal Model-Based Approach to Generating Large Synthetic Online
Handwriting Sample Databases, 2017.
"""

from collections.abc import Iterable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.images import strokes as rendering
from pipeline.images.arrays import SIDE, Images
from pipeline.images.strokes import Stroke
from pipeline.system.section import Factor, Interval, Section

Line = NDArray[np.float64]  # (points, 2), x and y in the unit square, y downward

SPACING = 0.12  # points of a stroke are at most so far apart: enough to bend it
TANGENT = 3  # points from an end that tell where the stroke was going
LONGEST_CUT = 0.3  # of a stroke's length

Width = Annotated[float, Field(gt=0, le=SIDE / 2)]


class Hands(Section):
    """How far another hand's strokes may be from those that were recorded; lengths in sides of the digit's box."""

    pen_width: Interval[Width]
    rotate_degrees: Annotated[float, Field(ge=0, le=90)]
    slant: Factor
    stretch: Factor
    bend: Factor
    jitter: Factor
    ends: Factor
    shift: Factor
    rounding: Factor


def in_unit_square(strokes: Iterable[Stroke]) -> list[Line]:
    """Strokes in any unit, of a point at least, as lines in the unit square: the longer side of their box is 1."""
    lines = [np.asarray(stroke, np.float64).reshape(-1, 2) for stroke in strokes if len(stroke)]
    points = np.concatenate(lines)
    low = points.min(axis=0)
    side = float((points.max(axis=0) - low).max()) or 1.0
    return [(line - low) / side for line in lines]


def render(lines: list[Line], options: Hands, random: np.random.Generator) -> Images:
    """Draw strokes as another hand would, with another pen: (28, 28) uint8."""
    thinnest, thickest = options.pen_width
    return rendering.render(change(lines, options, random), random.uniform(thinnest, thickest))


def change(lines: list[Line], options: Hands, random: np.random.Generator) -> list[Line]:
    """Change strokes in the unit square, of a point at least, one by one, then all together; they stay in about that square."""
    changed = [_alone(line, options, random) for line in lines]
    turn, slant = random.normal(0, options.rotate_degrees) * np.pi / 180, random.normal(0, options.slant)
    points = np.concatenate(changed)
    width = np.exp(random.normal(0, options.stretch))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array([[width, slant], [0, 1]])
    angles = np.pi * points[:, :, np.newaxis] + random.uniform(0, 2 * np.pi, (2, 2))  # (points, along x and y, of x and y)
    bent = points + (random.normal(0, options.bend, (2, 2)) * np.sin(angles)).sum(axis=1)
    return np.split(bent @ matrix.T, np.cumsum([len(line) for line in changed])[:-1])


def _alone(line: Line, options: Hands, random: np.random.Generator) -> Line:
    """One stroke with other ends, rounder, unsteady, and at another place."""
    line = _spaced(line)
    if len(line) > 1:
        line = _end(_end(line, random.normal(0, options.ends))[::-1], random.normal(0, options.ends))[::-1]
        if random.random() < options.rounding:
            line = _rounded(line)
        angle = np.linspace(0, 2 * np.pi, len(line))[:, np.newaxis] * [1.0, 2.0] + random.uniform(0, 2 * np.pi, 2)
        line = line + np.sin(angle) @ random.normal(0, options.jitter, (2, 2))
    moved: Line = line + random.normal(0, options.shift, 2)
    return moved


def _spaced(line: Line) -> Line:
    """The same line with more points, where they are far apart."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])  # to each point
    places = np.sort(np.concatenate([way, np.arange(SPACING, way[-1], SPACING)]))
    return np.stack([np.interp(places, way, line[:, axis]) for axis in (0, 1)], axis=1)


def _end(line: Line, longer: float) -> Line:
    """A line that ends later, straight on, or earlier."""
    if longer > 0:
        direction = line[-1] - line[max(-TANGENT, -len(line))]
        return np.concatenate([line, [line[-1] + direction * longer / max(float(np.hypot(*direction)), 1e-9)]])
    way = np.cumsum(np.hypot(*np.diff(line[::-1], axis=0).T))[::-1]  # from each point to the end
    kept: Line = line[: max(2, 1 + int((way >= min(-longer, LONGEST_CUT * way[0])).sum()))]
    return kept


def _rounded(line: Line) -> Line:
    """Cut the corners (Chaikin, An Algorithm for High-Speed Curve Generation, 1974)."""
    inner = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], axis=1).reshape(-1, 2)
    return np.concatenate([line[:1], inner, line[-1:]])
