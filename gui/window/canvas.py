"""The surface that one draws on."""

import tkinter as tk
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageTk

from gui.page import heat, ink
from gui.page.drawing import Drawing
from gui.page.palette import Palette
from gui.page.wording import chip
from gui.reading.messages import Explanation
from pipeline.inference.results import Digit

CLICK = 3  # that the mouse may move within a click, at 96 dots an inch, pixels


class Surface(tk.Canvas):
    """Shows a drawing, and turns what the mouse, pen or finger does into strokes.

    While a stroke is drawn it is made of Tk's lines, which are there at once; when the pen is lifted they are replaced by the
    same ink with smooth edges.

    Args:
        parent: of the widget.
        drawing: what is drawn.
        palette: of the theme.
        px: display scaling.
        changed: called after each change of the drawing.
        chosen: called with the number of a digit whose label is clicked.

    """

    def __init__(
        self,
        parent: tk.Misc,
        drawing: Drawing,
        palette: Palette,
        px: float,
        changed: Callable[[], None],
        chosen: Callable[[int], None],
    ) -> None:
        side = round(drawing.side)
        super().__init__(
            parent, width=side, height=side, highlightthickness=max(round(2 * px), 1), takefocus=True, cursor="pencil"
        )
        self.drawing, self.palette, self.px = drawing, palette, px
        self.eraser = False
        self._changed, self._chosen = changed, chosen
        self._view = ink.View()
        self._down = ""  # what the mouse is doing: "", "pen", "eraser", or "label" while it may be a click on one
        self._last = (0.0, 0.0)
        self._pressed = (0, 0)  # where, screen pixels
        self._pressed_chip = -1
        self._marks: Sequence[Digit] = ()
        self._selected = -1
        self._explanation: Explanation | None = None
        self._pictures: dict[Path, tuple[Image.Image, tuple[int, int]]] = {}
        self._mask = Image.new("L", (1, 1))
        self._photo: ImageTk.PhotoImage | None = None
        for button, eraser in (("1", False), ("3", True)):
            self.bind(f"<Button-{button}>", lambda event, eraser=eraser: self._press(event, eraser))  # type: ignore[misc]
            self.bind(f"<B{button}-Motion>", lambda event, eraser=eraser: self._move(event, eraser))  # type: ignore[misc]
            self.bind(f"<ButtonRelease-{button}>", self._release)
        self.bind("<Motion>", self._hover)
        self.bind("<Leave>", lambda _: self.delete("cursor"))
        self.bind("<Configure>", lambda _: self.refresh())

    @property
    def is_drawing(self) -> bool:
        """Whether a stroke is being drawn."""
        return bool(self._down)

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self.palette = palette
        self.configure(background=palette.paper, highlightbackground=palette.line, highlightcolor=palette.right)
        self.refresh()

    def put_picture(self, path: Path, shown: Image.Image, size: tuple[int, int]) -> None:
        """Have the pixels of a picture of the drawing: as they are shown, and its size as it is read."""
        self._pictures = {path: (shown, size)}
        self.refresh()

    def has_picture(self, path: Path) -> bool:
        """Whether the pixels of that picture are here."""
        return path in self._pictures

    def show(self, marks: Sequence[Digit], selected: int) -> None:
        """Box the digits of an answer; `selected` is the number of the one that is spoken of."""
        self._marks, self._selected = marks, selected
        self._draw_marks()

    def explain(self, explanation: Explanation | None) -> None:
        """Colour the ink by what it said for the answer, or no more."""
        if explanation is not self._explanation:
            self._explanation = explanation
            self._compose()

    def refresh(self) -> None:
        """Draw everything anew, after the drawing or the size has changed."""
        self.delete("live")
        size = self._size()
        self.drawing.resize(*size)
        self._view = self._fitted(size)
        self._mask = Image.new("L", size, 0)
        for points, width in self.drawing.inked:
            ink.add(self._mask, points, width, self._view)
        self._compose()
        self._draw_marks()

    def cancel(self) -> None:
        """Forget that a button is down: what follows belongs to another drawing."""
        self._down = ""
        self.drawing.end()

    def _size(self) -> tuple[int, int]:
        width, height = self.winfo_width(), self.winfo_height()
        return (width, height) if width > 1 else (int(self["width"]), int(self["height"]))

    def _fitted(self, size: tuple[int, int]) -> ink.View:
        if self.drawing.picture is None:
            return ink.fit(self.drawing.bounds(), size)
        _, picture = self._pictures.get(self.drawing.picture, (None, (1, 1)))
        return ink.fit((0, 0, *picture), size)

    def _press(self, event: "tk.Event[tk.Misc]", eraser: bool) -> None:
        if self._down:
            return  # another button
        self.focus_set()
        self._last = x, y = self._view.to_page(event.x, event.y)
        if self.eraser or eraser:
            self._down = "eraser"
            self._erase(x, y)
            return
        self._pressed_chip = self._chip_at(event.x, event.y)
        if self._pressed_chip >= 0:  # a click, or the beginning of a stroke: the way of the mouse will tell
            self._down, self._pressed = "label", (event.x, event.y)
        else:
            self._begin(event.x, event.y)

    def _begin(self, screen_x: int, screen_y: int) -> None:
        """Put the pen down, screen pixels."""
        fresh = self.drawing.picture is not None
        if fresh:  # drawing begins on a fresh page; undo brings the picture back
            self.drawing.clear()
            self.refresh()
        self._down = "pen"
        self.delete("hint")
        self.drawing.begin(*self._view.to_page(screen_x, screen_y))
        if fresh:
            self.drawing.join()
        self._line(screen_x, screen_y, screen_x, screen_y)
        self._changed()

    def _move(self, event: "tk.Event[tk.Misc]", eraser: bool) -> None:
        if self._down == "label" and self.drawing.picture is None and self._is_beyond_a_click(event.x, event.y):
            self._begin(*self._pressed)
        x, y = self._view.to_page(event.x, event.y)
        if not self._down:  # the button went down outside of the canvas, or before Clear
            self._press(event, eraser)
        elif self._down == "eraser":
            self._erase(x, y)
        elif self._down == "pen":
            x0, y0 = self._view.to_screen(*self.drawing.extend(x, y))
            self._line(x0, y0, event.x, event.y)
            self._changed()

    def _release(self, _: "tk.Event[tk.Misc]") -> None:
        clicked = self._down == "label"
        if self._down == "pen":
            points, width = self.drawing.inked[-1]
            ink.add(self._mask, points, width, self._view)
            self._compose()
        self._down = ""
        self.delete("live", "cursor")
        self.drawing.end()
        self._changed()
        if clicked:
            self._chosen(self._pressed_chip)

    def _chip_at(self, x: int, y: int) -> int:
        """Number of the digit whose label is there, -1 for none."""
        tags = [tag for item in self.find_overlapping(x, y, x, y) for tag in self.gettags(item)]
        return next((int(tag.removeprefix("chip")) for tag in tags if tag.startswith("chip")), -1)

    def _is_beyond_a_click(self, x: int, y: int) -> bool:
        return max(abs(x - self._pressed[0]), abs(y - self._pressed[1])) > CLICK * self.px

    def _erase(self, x: float, y: float) -> None:
        if self.drawing.erase(self._last, (x, y), self.drawing.brush / 2):
            self.refresh()
            self._changed()
        self._last = (x, y)
        self._ring(*self._view.to_screen(x, y))

    def _hover(self, event: "tk.Event[tk.Misc]") -> None:
        if self.eraser:
            self._ring(event.x, event.y)

    def _ring(self, x: float, y: float) -> None:
        radius = self.drawing.brush * self._view.scale / 2
        self.delete("cursor")
        self.create_oval(
            x - radius, y - radius, x + radius, y + radius, outline=self.palette.doubt, width=1.5 * self.px, tags="cursor"
        )

    def _line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        width = self.drawing.inked[-1].width * self._view.scale
        line = self.create_line(x0, y0, x1, y1, width=width, fill=self.palette.ink, capstyle="round", tags="live")
        if x0 == x1 and y0 == y1:  # Tk draws no cap on a line without length
            self.delete(line)
            r = width / 2
            self.create_oval(x0 - r, y0 - r, x0 + r, y0 + r, fill=self.palette.ink, width=0, tags="live")

    def _compose(self) -> None:
        """Put paper, picture, ink and its explanation into the one image of the canvas."""
        size = self._mask.size
        image = Image.new("RGB", size, self.palette.paper)
        picture = self._pictures.get(self.drawing.picture) if self.drawing.picture else None
        if picture is not None:
            shown, whole = picture
            fitted = (max(round(whole[0] * self._view.scale), 1), max(round(whole[1] * self._view.scale), 1))
            image.paste(shown.resize(fitted), (round(self._view.dx), round(self._view.dy)))
        colours, mask = Image.new("RGB", size, self.palette.ink), self._mask.copy()
        why = self._explanation
        # Over strokes an old one stays until the next has come; over another picture it would be a ghost.
        if why is not None and why.mark < len(self._marks) and (picture is None or why.version == self.drawing.version):
            heat.paint(colours, mask, why, self._marks[why.mark].box, self._view, self.palette, fill=picture is not None)
        image.paste(colours, (0, 0), mask)
        if self._photo is not None and (self._photo.width(), self._photo.height()) == size:
            self._photo.paste(image)
        else:
            self._photo = ImageTk.PhotoImage(image, master=self)
            self.delete("image")
            self.tag_lower(self.create_image(0, 0, anchor="nw", image=self._photo, tags="image"))
        self.delete("hint")
        if self.drawing.blank:
            middle = (size[0] / 2, size[1] / 2)
            self.create_text(
                *middle, text="Draw a digit, or several", fill=self.palette.faint, font=("TkDefaultFont", 13), tags="hint"
            )

    def _draw_marks(self) -> None:
        self.delete("mark")
        pad = (self.drawing.brush * self._view.scale / 2 if self.drawing.picture is None else 0) + 6 * self.px
        for number, mark in enumerate(self._marks):
            left, top = self._view.to_screen(*mark.box[:2])
            right, bottom = self._view.to_screen(*mark.box[2:])
            colour = {"digit": self.palette.right, "unsure": self.palette.doubt}.get(mark.verdict, self.palette.wrong)
            width = (2.5 if number == self._selected and len(self._marks) > 1 else 1.2) * self.px
            box = (left - pad, top - pad, right + pad, bottom + pad)
            dash = (4, 3) if mark.verdict != "digit" else ()
            self.create_rectangle(box, outline=colour, width=width, dash=dash, tags="mark")
            self._draw_chip(number, chip(mark), box, colour)

    def _draw_chip(self, number: int, text: str, box: tuple[float, float, float, float], colour: str) -> None:
        tag, high = f"chip{number}", 20 * self.px
        x, y = max(box[0], 2 * self.px), box[1] - high
        y = y if y > 2 * self.px else min(box[3], self._mask.height - high)
        label = self.create_text(
            x + 6 * self.px,
            y + high / 2,
            text=text,
            anchor="w",
            fill=self.palette.on_right,
            font=("TkDefaultFont", 9, "bold"),
            tags=("mark", tag),
        )
        _, _, right, _ = self.bbox(label)
        back = self.create_rectangle(x, y, right + 6 * self.px, y + high, fill=colour, width=0, tags=("mark", tag))
        self.tag_lower(back, label)
