"""Digits that somebody is asked to write, for the collection of drawings. Knows nothing of a window."""

import random

from gui.page.corrections import Corrections
from gui.page.wording import with_article
from pipeline.data.stroke_files import Strokes
from pipeline.system.errors import DataError

COUNT = 50  # digits that are asked for, each as often as the others


class Collecting:
    """Asks for one digit after another, in random order, and has each saved with its label."""

    def __init__(self, corrections: Corrections) -> None:
        self.number = 0  # of the digit that is asked for; `COUNT` when there is no more
        self.corrections = corrections
        self._labels = [number % 10 for number in range(COUNT)]
        random.shuffle(self._labels)
        self._written: list[Strokes] = []  # for each digit before this one; nothing for those that were skipped
        corrections.lost = self._lost
        self.returned: Strokes = []  # of the digit that is asked for again, for it could not be saved

    @property
    def prompt(self) -> str:
        """What to write, in words."""
        if self.number == COUNT:
            return "Thank you. That was all."
        label, before = self._labels[self.number], self._labels[self.number - 1] if self.number else None
        return f"Write {with_article(label)}{', once more' if label == before else ''}"

    def take(self, strokes: Strokes, writer: str) -> None:
        """Save what was written, and go to the next digit.

        Raises:
            DataError: nothing was written.
        """
        if self.number == COUNT:
            return
        if not strokes:
            raise DataError(f"nothing is drawn. {self.prompt}, or skip it.")
        label = self._labels[self.number]
        self._next(strokes)  # first: adding it may tell that the digit before was not saved
        self.corrections.writer = writer
        self.corrections.add(label, strokes, is_part=False)

    def skip(self) -> None:
        """Go to the next digit."""
        if self.number < COUNT:
            self._next([])

    def undo(self) -> None:
        """Ask for the digit before again; what was saved of it is deleted."""
        if self._written:
            self.number -= 1
            if strokes := self._written.pop():
                self.corrections.delete_last(strokes)

    def _lost(self, strokes: Strokes) -> None:
        """Ask for a digit again that could not be saved, and for those after it; not for one that was undone meanwhile."""
        if strokes in self._written:
            self.number, self.returned = self._written.index(strokes), strokes
            del self._written[self.number :]

    def _next(self, written: Strokes) -> None:
        self._written.append(written)
        self.returned = []
        self.number += 1
