"""Takes lines out of ink, and leaves the strokes that cross them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.images.arrays import Ink, Mask
from pipeline.images.preprocessing import FAINT
from pipeline.images.straight_lines import LINE_FAINT, NEAR, Runs, Stretch

THICKER = 2.0  # pixels: a run that is thicker by more than this than its line is a stroke that crosses it ...
USUAL = 0.75  # of the runs of a line have less ink than is usual: some lie between two rows of pixels
DARKER = 0.25  # ... or one with so much more ink
HALO = 1  # pixels above and below a run, which hold the rest of the line's blur
CRUMB = 0.5  # a piece of which so much lies on lines is what was left of them ...
LARGEST_CRUMB = 0.3  # ... if its longer side is less than this part of the largest piece's


def without(ink: Ink, lying: list[Stretch], standing: list[Stretch]) -> Ink:
    """The ink without lines that lie, and those that stand, which lie in the transposed ink; strokes that cross them stay."""
    near, near_standing = _near(lying, ink.shape), _near(standing, ink.shape[::-1]).T
    left = _closed(_without_lying(ink, lying), near, lying)
    left = _closed(_without_lying(left.T, standing), near_standing.T, standing).T
    return _without_crumbs(np.ascontiguousarray(left), near | near_standing)


def rest(ink: Ink, lying: list[Stretch], standing: list[Stretch]) -> Ink:
    """About the same, quicker: to see what is left, and not to read it."""
    return _without_lying(_without_lying(ink, lying).T, standing).T


def _without_lying(ink: Ink, lines: list[Stretch]) -> Ink:
    """The ink without lines that lie, where no stroke crosses them."""
    if not lines:
        return ink
    runs = Runs(ink >= LINE_FAINT)
    darkness = ink[runs.middles.astype(int), runs.columns]
    taken = np.concatenate([_line_alone(runs, darkness, line) for line in lines])
    left: Ink = np.where(_filled(runs, taken, ink.shape), np.float32(0), ink)
    return left


def _near(lines: list[Stretch], shape: tuple[int, ...]) -> Mask:
    """(height, width): where lines that lie are, with their halo."""
    near = np.zeros(shape, bool)
    for line in lines:
        columns = np.arange(line.start, line.stop)
        middle, reach = np.rint(line.y[columns]).astype(int), int(np.ceil(line.thickness / 2)) + HALO
        for off in range(-reach, reach + 1):
            near[np.clip(middle + off, 0, len(near) - 1), columns] = True
    return near


def _closed(ink: Ink, near: Mask, lines: list[Stretch]) -> Ink:
    """The ink with the gaps in strokes that faint lines over them, or their removal, made."""
    if not lines:
        return ink
    thickest = max(line.thickness for line in lines)
    closed = ndimage.grey_closing(ink, size=(int(np.ceil(thickest)) + 2 * HALO + 1, 1))
    return np.where(near, closed, ink)


def _line_alone(runs: Runs, darkness: Ink, line: Stretch) -> NDArray[np.intp]:
    """The numbers of the runs that are a line's alone, where no stroke crosses it."""
    within = np.flatnonzero((runs.columns >= line.start) & (runs.columns < line.stop))
    on = within[np.abs(runs.middles[within] - line.y[runs.columns[within]]) <= NEAR]
    thin = on[runs.lengths[on] <= line.thickness + THICKER]
    usual = float(np.quantile(darkness[thin], USUAL)) if thin.size else 0.0
    alone: NDArray[np.intp] = thin[darkness[thin] <= usual + DARKER]
    return alone


def _filled(runs: Runs, numbers: NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    """(height, width): where some runs are, with their halo."""
    steps = np.zeros((shape[0] + 1, shape[1]), np.int32)
    np.add.at(steps, (np.maximum(runs.tops[numbers] - HALO, 0), runs.columns[numbers]), 1)
    np.add.at(steps, (np.minimum(runs.bottoms[numbers] + HALO, shape[0]), runs.columns[numbers]), -1)
    filled: Mask = np.cumsum(steps, axis=0)[:-1] > 0
    return filled


def _without_crumbs(ink: Ink, near: Mask) -> Ink:
    """The ink without small pieces that lie on lines, `near` them."""
    numbers, count = ndimage.label(ink >= FAINT, np.ones((3, 3)))
    if not count or not near.any():
        return ink
    sides = [max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in ndimage.find_objects(numbers)]
    share = ndimage.mean(near, numbers, np.arange(1, count + 1))
    crumbs = np.concatenate([[False], (share >= CRUMB) & (np.array(sides) < LARGEST_CRUMB * max(sides))])
    return np.where(crumbs[numbers], np.float32(0), ink)
