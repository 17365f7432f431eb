"""The images of a report. Each function draws one figure, to be saved by the caller."""

from typing import Any

import matplotlib.ticker
import numpy as np
from numpy.typing import NDArray

matplotlib.use("Agg")  # before pyplot: no window, and none needed

from matplotlib.figure import Figure

from pipeline.images.arrays import SIDE, Probabilities, Split


def confusion_matrix(matrix: NDArray[np.int64], class_names: list[str]) -> Figure:
    """Counts in every cell, colour by the mistakes alone: the diagonal would drown them."""
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    axes = figure.add_subplot()
    mistakes = matrix.astype(float)
    np.fill_diagonal(mistakes, 0)
    axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=max(1.0, mistakes.max() * 1.6))
    for row, column in np.ndindex(matrix.shape):
        if matrix[row, column]:
            weight = "bold" if row == column else "normal"
            axes.text(column, row, f"{matrix[row, column]}", ha="center", va="center", fontsize=9, weight=weight)
    turn = 0 if max(map(len, class_names)) < 3 else 45
    axes.set_xticks(range(len(class_names)), class_names, rotation=turn)
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="read as", ylabel="is", title=f"{int(mistakes.sum())} mistakes in {int(matrix.sum()):,} test images")
    return figure


def history(rows: list[dict[str, float]]) -> Figure:
    """Loss and accuracy over the epochs, of training and validation."""
    figure = Figure(figsize=(10, 4))
    panels = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in rows]
    for axes, key in zip(panels, ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[key] for row in rows], "o-", label="training, augmented and with dropout")
        axes.plot(epochs, [row[f"validation_{key}"] for row in rows], "o-", label="validation")
        axes.set(xlabel="epoch", title=key)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    panels[1].legend(loc="lower right")  # curves of accuracy leave that corner free
    panels[1].yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1))
    return figure


def calibration(rows: list[dict[str, float]], error: float) -> Figure:
    """Accuracy against confidence: on the diagonal, a probability means what it says."""
    figure = Figure(figsize=(5, 5))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "--", color="grey")
    sizes = [20 + 300 * row["images"] / sum(each["images"] for each in rows) for row in rows]
    axes.plot([row["confidence"] for row in rows], [row["accuracy"] for row in rows], alpha=0.4)
    axes.scatter([row["confidence"] for row in rows], [row["accuracy"] for row in rows], sizes)
    axes.set(xlabel="confidence", ylabel="accuracy", title=f"expected calibration error {error:.4f}", xlim=(0, 1.02))
    axes.set_ylim(0, 1.02)
    return figure


def mistakes(split: Split, probabilities: Probabilities, numbers: NDArray[np.int64], class_names: list[str]) -> Figure:
    """The images of `numbers`, each with what it is, what it was read as, and how surely."""
    columns, gap = 10, 14  # images in a row; pixels between rows, for two lines of text
    rows = max(1, -(-len(numbers) // columns))
    sheet = np.full((rows * (SIDE + gap), columns * (SIDE + 4)), 255, np.uint8)
    figure = Figure(figsize=(columns * 1.3, rows * 1.75))
    axes = figure.add_axes((0, 0, 1, 1))  # one for all: a panel a picture takes seconds
    axes.axis("off")
    for place, number in enumerate(numbers):
        top, left = place // columns * (SIDE + gap) + gap, place % columns * (SIDE + 4) + 2
        sheet[top : top + SIDE, left : left + SIDE] = 255 - split.images[number]
        read: Any = probabilities[number].argmax()
        names = f"{class_names[split.labels[number]]} as {class_names[read]}"
        text = f"{names}\n{probabilities[number, read]:.0%}  #{number}"
        axes.text(left + SIDE / 2, top - 1, text, ha="center", va="bottom", fontsize=8)
    if not len(numbers):
        axes.text(sheet.shape[1] / 2, sheet.shape[0] / 2, "no mistakes", ha="center")
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255)
    return figure
