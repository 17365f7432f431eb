"""The window."""

import queue
import tkinter as tk
from pathlib import Path
from tkinter import ttk

from gui.drawing import Drawing
from gui.recognizer import DEFAULT_MODEL, Prediction, Recognizer
from gui.worker import Answer, Worker
from pipeline.errors import ModelError

SIDE = 360  # of the canvas, pixels
BRUSH = 22  # width of a stroke, pixels
POLL_MILLISECONDS = 15
BAR_LENGTH = 180  # pixels
INK, PAPER, ACCENT, FAINT = "#1c1c28", "#ffffff", "#2f6fde", "#d5d9e2"


class App(tk.Tk):
    """Draw on the canvas, and the digit is read as you draw. The model is opened in the background meanwhile.

    Args:
        model: an exported ``.h5``.

    """

    def __init__(self, model: Path = DEFAULT_MODEL) -> None:
        super().__init__(className="Digits")
        self.drawing = Drawing(SIDE, BRUSH)
        self.prediction: Prediction | None = None
        self._drawing_stroke = False
        self._worker = Worker()
        self._build()
        self._show(None)
        self.title("Handwritten digits")
        self.status["text"] = f"Opening {model.name} …"
        self._worker.open(model)
        self._polling = self.after(POLL_MILLISECONDS, self._poll)

    def destroy(self) -> None:
        """Close the window."""
        self.after_cancel(self._polling)
        self._worker.close()
        super().destroy()

    def _build(self) -> None:
        frame = ttk.Frame(self, padding=12)
        frame.grid(sticky="nsew")
        self.canvas = tk.Canvas(frame, width=SIDE, height=SIDE, bg=PAPER, highlightthickness=1, cursor="pencil")
        self.canvas.grid(row=0, column=0, rowspan=2)
        self.canvas.bind("<Button-1>", self._begin)
        self.canvas.bind("<B1-Motion>", self._extend)
        self.canvas.bind("<ButtonRelease-1>", self._end)
        # No tk.Variable anywhere: one that is garbage collected while another thread runs breaks that thread.
        self.answer = ttk.Label(frame, font=("TkDefaultFont", 64), anchor="center")
        self.answer.grid(row=0, column=1)
        self._build_bars(frame).grid(row=1, column=1, padx=(16, 4), sticky="n")
        buttons = ttk.Frame(frame)
        buttons.grid(row=2, column=0, columnspan=2, pady=(12, 4), sticky="ew")
        ttk.Button(buttons, text="Recognise", command=self.recognize, underline=0).pack(side="left")
        ttk.Button(buttons, text="Clear", command=self.clear, underline=0).pack(side="left", padx=8)
        self.status = ttk.Label(frame, wraplength=SIDE + 220)
        self.status.grid(row=3, column=0, columnspan=2, sticky="w")
        self.bind("<Return>", lambda _: self.recognize())
        self.bind("<Delete>", lambda _: self.clear())
        self.resizable(width=False, height=False)

    def _build_bars(self, parent: ttk.Frame) -> tk.Canvas:
        self.bars = tk.Canvas(parent, width=BAR_LENGTH + 90, height=10 * 22, highlightthickness=0)
        for digit in range(10):
            y = digit * 22 + 11
            self.bars.create_text(10, y, text=str(digit))
            self.bars.create_rectangle(24, y - 7, 24 + BAR_LENGTH, y + 7, fill=FAINT, width=0)
            self.bars.create_rectangle(24, y - 7, 24, y + 7, fill=ACCENT, width=0, tags=f"bar{digit}")
            self.bars.create_text(BAR_LENGTH + 84, y, anchor="e", tags=f"percent{digit}")
        return self.bars

    def clear(self) -> None:
        """Take the drawing and its answer away."""
        self._drawing_stroke = False
        self.drawing.clear()
        self.canvas.delete("all")
        self._show(None)
        self._worker.read(self.drawing.render())

    def recognize(self) -> None:
        """Have the drawing read; the answer comes when it can."""
        self._worker.read(self.drawing.render())

    def _begin(self, event: "tk.Event[tk.Canvas]") -> None:
        self._drawing_stroke = True
        self.drawing.begin(event.x, event.y)
        self._draw_line(event.x, event.y, event.x, event.y)

    def _extend(self, event: "tk.Event[tk.Canvas]") -> None:
        if not self._drawing_stroke:  # the button went down outside of the canvas, or before Clear
            self._begin(event)
            return
        x, y = self.drawing.extend(event.x, event.y)
        self._draw_line(x, y, event.x, event.y)
        self.recognize()

    def _end(self, _: "tk.Event[tk.Canvas]") -> None:
        self._drawing_stroke = False
        self.recognize()

    def _draw_line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.canvas.create_line(x0, y0, x1, y1, width=BRUSH, fill=INK, capstyle="round", joinstyle="round")

    def _poll(self) -> None:
        try:
            while True:
                self._receive(self._worker.answers.get_nowait())
        except queue.Empty:
            self._polling = self.after(POLL_MILLISECONDS, self._poll)

    def _receive(self, answer: Answer) -> None:
        if isinstance(answer, Prediction):
            self._show(answer)
        elif isinstance(answer, ModelError):
            self.status["text"] = str(answer)
        else:
            self._introduce(answer)

    def _introduce(self, recognizer: Recognizer) -> None:
        says = recognizer.description
        trained = f"trained on {says['dataset']}, {says['test_accuracy']:.2%} on its test set" if says else "of unknown origin"
        self.title(f"Handwritten digits – {recognizer.path.name}, {trained}")
        self.status["text"] = f"{recognizer.path.name}, {trained}. Draw a digit."

    def _show(self, prediction: Prediction | None) -> None:
        self.prediction = prediction
        known = prediction is not None and prediction.digit is not None
        self.answer["text"] = f"{prediction.digit}" if known and prediction else " "
        for digit in range(10):
            probability = prediction.probabilities[digit] if prediction else 0.0
            y = digit * 22 + 11
            self.bars.coords(f"bar{digit}", 24, y - 7, 24 + probability * BAR_LENGTH, y + 7)
            self.bars.itemconfigure(f"percent{digit}", text=f"{probability:.1%}" if known else "")
