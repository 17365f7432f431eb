"""Digits and other things drawn by hand for the tests, as strokes in the unit square."""

from gui.drawing import Drawing

Strokes = list[list[tuple[float, float]]]

DIGITS: dict[int, Strokes] = {
    0: [[(0.5, 0.0), (0.28, 0.1), (0.2, 0.5), (0.3, 0.9), (0.5, 1.0), (0.7, 0.9), (0.8, 0.5), (0.7, 0.1), (0.5, 0.0)]],
    1: [[(0.5, 0.0), (0.48, 0.5), (0.46, 1.0)]],
    2: [[(0.2, 0.2), (0.35, 0.03), (0.6, 0.0), (0.75, 0.2), (0.65, 0.5), (0.2, 1.0), (0.5, 0.97), (0.85, 1.0)]],
    3: [[(0.2, 0.1), (0.45, 0.0), (0.7, 0.1), (0.7, 0.3), (0.4, 0.47), (0.7, 0.6), (0.75, 0.8), (0.5, 1.0), (0.2, 0.9)]],
    4: [[(0.4, 0.0), (0.15, 0.55), (0.8, 0.55)], [(0.65, 0.2), (0.62, 1.0)]],
    5: [[(0.3, 0.02), (0.25, 0.45), (0.55, 0.4), (0.75, 0.6), (0.7, 0.85), (0.45, 1.0), (0.2, 0.92)], [(0.3, 0), (0.75, 0)]],
    6: [[(0.65, 0.0), (0.4, 0.2), (0.25, 0.6), (0.35, 0.95), (0.6, 0.97), (0.72, 0.75), (0.55, 0.58), (0.28, 0.7)]],
    7: [[(0.2, 0.02), (0.8, 0.0), (0.55, 0.45), (0.4, 1.0)], [(0.35, 0.5), (0.72, 0.48)]],
    8: [
        [(0.7, 0.1), (0.45, 0), (0.3, 0.2), (0.5, 0.45), (0.7, 0.7), (0.5, 1), (0.3, 0.8), (0.45, 0.5), (0.7, 0.25), (0.7, 0.1)]
    ],
    9: [[(0.7, 0.2), (0.5, 0.0), (0.3, 0.15), (0.35, 0.4), (0.6, 0.4), (0.7, 0.2), (0.68, 0.6), (0.6, 1.0)]],
}  # fmt: skip

OTHERS: dict[str, Strokes] = {
    "N": [[(0.1, 1.0), (0.1, 0.0), (0.9, 1.0), (0.9, 0.0)]],
    "W": [[(0.0, 0.0), (0.3, 1.0), (0.5, 0.3), (0.7, 1.0), (1.0, 0.0)]],
    "E": [[(0.8, 0.0), (0.1, 0.0), (0.1, 1.0), (0.8, 1.0)], [(0.1, 0.5), (0.7, 0.5)]],
    "star": [[(0.5, 0.0), (0.8, 1.0), (0.0, 0.4), (1.0, 0.4), (0.2, 1.0), (0.5, 0.0)]],
    "square": [[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)]],
    "hash": [[(0.3, 0.0), (0.3, 1.0)], [(0.7, 0.0), (0.7, 1.0)], [(0.0, 0.3), (1.0, 0.3)], [(0.0, 0.7), (1.0, 0.7)]],
    "scribble": [[(0.0, 0.5), (0.9, 0.1), (0.1, 0.9), (1.0, 0.6), (0.2, 0.1), (0.6, 1.0), (0.5, 0.0), (0.0, 0.8), (1.0, 0.3)]],
}


def moved(strokes: Strokes, x: float, y: float, size: float) -> Strokes:
    """The strokes at another place and size."""
    return [[(x + size * u, y + size * v) for u, v in stroke] for stroke in strokes]


def row(digits: str, size: float = 100, gap: float = 30) -> Strokes:
    """Digits side by side."""
    found: Strokes = []
    x = 20.0
    for digit in digits:
        strokes = DIGITS[int(digit)]
        across = [u for stroke in strokes for u, _ in stroke]
        found += moved(strokes, x - min(across) * size, 40, size)
        x += (max(across) - min(across)) * size + gap
    return found


def drawing(strokes: Strokes, side: int, brush: float) -> Drawing:
    """The strokes on a canvas, drawn in whole pixels as a mouse does."""
    made = Drawing(side, brush)
    for stroke in strokes:
        made.begin(round(stroke[0][0]), round(stroke[0][1]))
        for x, y in stroke[1:]:
            made.extend(round(x), round(y))
    return made
