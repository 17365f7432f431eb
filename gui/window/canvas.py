"""The canvas that one draws on."""

import tkinter as tk
from functools import partial
from tkinter import font
from typing import NamedTuple

from PIL import Image, ImageTk

from gui.page import heat, ink, wording
from gui.page.page import Content
from gui.page.palette import Palette
from gui.page.session import Session
from gui.reading.messages import Explanation
from pipeline.data.stroke_files import Bounds
from pipeline.inference.results import Digit

CLICK = 3  # that the mouse may move within a click, at 96 dots an inch, pixels
HINT = "Draw a digit, or several"


class Press(NamedTuple):
    """The button that is down."""

    tool: str  # "pen", "eraser", or "label" while it may be a click on a label
    x: int  # where it went down, screen pixels
    y: int
    label: int = -1  # number of the digit whose label is there


class Surface(tk.Canvas):
    """Shows the page of a session, and turns what the mouse, pen or finger does into strokes.

    While a stroke is drawn it is made of Tk's lines, which are there at once; when the pen is lifted they are replaced by the
    same ink with smooth edges.
    """

    def __init__(self, parent: tk.Misc, session: Session, palette: Palette, px: float) -> None:
        side = round(session.page.side)
        super().__init__(parent, width=side, height=side, highlightthickness=max(round(2 * px), 1), takefocus=True)
        self.session, self.page, self.palette, self.px = session, session.page, palette, px
        self._view = ink.View()
        self._font = font.Font(self, ("TkDefaultFont", 9, "bold"))  # of labels
        self._press: Press | None = None
        self._last = (0.0, 0.0)  # where the eraser was, page pixels
        self._mask = Image.new("L", (1, 1))
        self._photo: ImageTk.PhotoImage | None = None
        self._shown: Content | None = None  # what is on the canvas, to draw anew only what has changed
        self._shown_digits: tuple[tuple[Digit, ...], int] = ((), -1)
        self._explanation: Explanation | None = None  # that colours the ink: none that came since the pen went down
        for button, erases in (("1", False), ("3", True)):
            self.bind(f"<Button-{button}>", partial(self._down, erases=erases))
            self.bind(f"<B{button}-Motion>", partial(self._move, erases=erases))
            self.bind(f"<ButtonRelease-{button}>", lambda _: self._up())
        self.bind("<Motion>", self._hover)
        self.bind("<Leave>", lambda _: self.delete("cursor"))
        self.bind("<Configure>", lambda _: self.refresh())

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self.palette = palette
        self.configure(background=palette.paper, highlightbackground=palette.line, highlightcolor=palette.right)
        self.refresh()

    def show(self) -> None:
        """Show what the session knows now."""
        session = self.session
        self["cursor"] = "circle" if session.uses_eraser else "pencil"
        digits = (session.digits, session.selected)
        if self.page.content is not self._shown:
            self._press = None  # what follows belongs to another drawing
            self.refresh()
        elif digits != self._shown_digits:
            self._draw_marks()
        if session.explanation is not self._explanation and not self.page.is_drawing:
            self._explanation = session.explanation
            self._compose()

    def refresh(self) -> None:
        """Draw everything anew."""
        self.delete("live")
        width, height = self.winfo_width(), self.winfo_height()
        size = (width, height) if width > 1 else (int(self["width"]), int(self["height"]))
        self.page.resize(*size)
        self._shown = self.page.content
        image = self.page.content.image
        self._view = ink.fit((0, 0, *image.size) if image else self.page.bounds(), size)
        self._mask = Image.new("L", size, 0)
        for points, width_of_stroke in self.page.content.strokes:
            ink.add(self._mask, points, width_of_stroke, self._view)
        self._draw_marks()
        self._compose()

    # Mouse -----------------------------------------------------------------------------------------------------------

    def _down(self, event: "tk.Event[tk.Misc]", erases: bool) -> None:
        if self._press:
            return  # another button
        self.focus_set()
        label = self._label_at(event.x, event.y)
        if self.session.uses_eraser or erases:
            self._press = Press("eraser", event.x, event.y)
            self._last = self._view.to_page(event.x, event.y)
            self._erase(event.x, event.y)
        elif label >= 0:  # a click, or the beginning of a stroke: the way of the mouse will tell
            self._press = Press("label", event.x, event.y, label)
        else:
            self._begin(event.x, event.y)

    def _begin(self, x: int, y: int) -> None:
        """Put the pen down, screen pixels."""
        had_image = self.page.content.image is not None
        if had_image:  # drawing begins on a fresh page; undo brings the image back
            self.page.clear()
            self.refresh()
        self.delete("hint")
        self.page.begin(*self._view.to_page(x, y))
        if had_image:
            self.page.join()
        self._press, self._shown = Press("pen", x, y), self.page.content
        self._line(x, y, x, y)
        self.session.page_changed()

    def _move(self, event: "tk.Event[tk.Misc]", erases: bool) -> None:
        press, x, y = self._press, event.x, event.y
        if press is None:  # the button went down outside of the canvas, or before Clear
            self._down(event, erases)
        elif press.tool == "eraser":
            self._erase(x, y)
        elif press.tool == "pen":
            self._line(*self._view.to_screen(*self.page.extend(*self._view.to_page(x, y))), x, y)
            self.session.page_changed()
        elif max(abs(x - press.x), abs(y - press.y)) > CLICK * self.px:
            self._begin(press.x, press.y)
            self._move(event, erases)

    def _up(self) -> None:
        press, self._press = self._press, None
        self.page.end()
        self.delete("live", "cursor")
        if press and press.tool == "pen":
            points, width = self.page.content.strokes[-1]
            ink.add(self._mask, points, width, self._view)
            self._explanation = self.session.explanation
            self._compose()
        self.session.page_changed()
        if press and press.tool == "label":
            self.session.select(press.label)

    def _label_at(self, x: int, y: int) -> int:
        """Number of the digit whose label is there, -1 for none."""
        tags = [tag for item in self.find_overlapping(x, y, x, y) for tag in self.gettags(item)]
        return next((int(tag.removeprefix("chip")) for tag in tags if tag.startswith("chip")), -1)

    def _erase(self, x: int, y: int) -> None:
        place = self._view.to_page(x, y)
        if self.page.erase(self._last, place, self.page.brush / 2):
            self.refresh()
            self.session.page_changed()
        self._last = place
        self._ring(x, y)

    def _hover(self, event: "tk.Event[tk.Misc]") -> None:
        if self.session.uses_eraser:
            self._ring(event.x, event.y)

    # What is seen ----------------------------------------------------------------------------------------------------

    def _ring(self, x: float, y: float) -> None:
        """Show the eraser."""
        self.delete("cursor")
        box = _around(x, y, self.page.brush * self._view.scale / 2)
        self.create_oval(box, outline=self.palette.uncertain, width=1.5 * self.px, tags="cursor")

    def _line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        width = self.page.content.strokes[-1].width * self._view.scale
        if x0 == x1 and y0 == y1:  # Tk draws no cap on a line without length
            self.create_oval(_around(x0, y0, width / 2), fill=self.palette.ink, width=0, tags="live")
        else:
            self.create_line(x0, y0, x1, y1, width=width, fill=self.palette.ink, capstyle="round", tags="live")

    def _compose(self) -> None:
        """Put paper, image, ink and its explanation into the one image of the canvas."""
        size, view, given = self._mask.size, self._view, self.page.content.image
        image = Image.new("RGB", size, self.palette.paper)
        if given:
            width, height = (max(round(side * view.scale), 1) for side in given.size)
            image.paste(given.pixels.resize((width, height)), (round(view.dx), round(view.dy)))
        colours, mask = Image.new("RGB", size, self.palette.ink), self._mask.copy()
        why = self._explanation
        # Over strokes an old one stays until the next has come; over another image it would be a ghost.
        if why is not None and why.mark < len(self.session.digits) and not (given and why.version != self.page.version):
            box = view.box_to_screen(self.session.digits[why.mark].box)
            heat.paint(colours, mask, why, box, self.palette, fill=given is not None)
        image.paste(colours, (0, 0), mask)
        if self._photo is not None and (self._photo.width(), self._photo.height()) == size:
            self._photo.paste(image)
        else:
            self._photo = ImageTk.PhotoImage(image, master=self)
            self.delete("image")
            self.tag_lower(self.create_image(0, 0, anchor="nw", image=self._photo, tags="image"))
        self.delete("hint")
        if self.page.blank:
            middle, big = (size[0] / 2, size[1] / 2), ("TkDefaultFont", 13)
            self.create_text(middle, text=HINT, fill=self.palette.faint, font=big, tags="hint")

    def _draw_marks(self) -> None:
        """Box each digit of the answer, and label it."""
        digits, selected = self._shown_digits = (self.session.digits, self.session.selected)
        self.delete("mark")
        pad = (self.page.brush * self._view.scale / 2 if self.page.content.image is None else 0) + 6 * self.px
        boxes = [self._view.box_to_screen(digit.box) for digit in digits]
        boxes = [(left - pad, top - pad, right + pad, bottom + pad) for left, top, right, bottom in boxes]
        lefts = [box[0] for box in boxes]
        placed = wording.place(digits, lefts, self._mask.width, lambda text: self._font.measure(text) + 12 * self.px)
        for number, (digit, box, label) in enumerate(zip(digits, boxes, placed, strict=True)):
            colour = {"digit": self.palette.right, "uncertain": self.palette.uncertain}.get(digit.verdict, self.palette.wrong)
            width = (2.5 if number == selected and len(digits) > 1 else 1.2) * self.px
            dash = (4, 3) if digit.verdict != "digit" else ()
            self.create_rectangle(box, outline=colour, width=width, dash=dash, tags="mark")
            self._draw_label(label, box, ("mark", f"chip{number}"), colour)

    def _draw_label(self, label: wording.Label, box: Bounds, tags: tuple[str, ...], colour: str) -> None:
        """Draw a label above its box, below it where there is no room."""
        high = 20 * self.px
        top = box[1] - high if box[1] - high > 2 * self.px else min(box[3], self._mask.height - high)
        self.create_rectangle(label.left, top, label.right, top + high, fill=colour, width=0, tags=tags)
        middle = ((label.left + label.right) / 2, top + high / 2)
        self.create_text(middle, text=label.text, fill=self.palette.on_right, font=self._font, tags=tags)


def _around(x: float, y: float, radius: float) -> Bounds:
    return x - radius, y - radius, x + radius, y + radius
