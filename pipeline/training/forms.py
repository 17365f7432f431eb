"""Forms of digits that people write somewhere and MNIST hardly has, made as strokes.

Which forms there are: a 1 with an upstroke, a crossed 7 and a slashed zero are what most of continental Europe, Latin America
and technicians write (https://en.wikipedia.org/wiki/Regional_handwriting_variation, CC BY-SA 4.0, and its sources; Bringhurst,
The Elements of Typographic Style, 2004, on zeros; DIN 1451 and ISO 3098 on the open 4 and the 9 with a straight leg).
Some are added to a recorded drawing, which keeps its hand; the others are drawn from scratch. `pipeline.images.hands` then
changes both.
"""

from collections.abc import Callable

import numpy as np

from pipeline.images.hands import Line
from pipeline.system.section import Factor, Section

Random = np.random.Generator


class Forms(Section):
    """How often a drawing of the digit is given that form, or becomes one of that form; 0 leaves a form out."""

    zero_slashed: Factor
    zero_dotted: Factor
    one_upstroke: Factor
    one_base: Factor
    one_leaning: Factor
    two_looped: Factor
    three_flat: Factor
    four_apart: Factor
    four_closed: Factor
    five_floating: Factor
    six_loop: Factor
    seven_bar: Factor
    seven_hook: Factor
    nine_leg: Factor
    nine_open: Factor


def vary(label: int, lines: list[Line], options: Forms, random: Random) -> list[Line]:
    """Give a drawing of a digit some of the forms of its digit, each with its probability.

    Args:
        label: 0 to 9.
        lines: strokes in the unit square, y downward.
        options: the probabilities.
        random: what decides.
    """
    for name, form in FORMS[label].items():
        if random.random() < getattr(options, name):
            lines = form(lines, random)
    return lines


def _box(lines: list[Line]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    points = np.concatenate(lines)
    return (*points.min(axis=0), *points.max(axis=0))


def _arc(x: float, y: float, across: float, down: float, begin: float, end: float) -> Line:
    """Part of an ellipse about (x, y), from one angle to another, degrees, clockwise from the right as y goes down."""
    angles = np.linspace(begin, end, max(3, round(abs(end - begin) / 20))) * np.pi / 180
    return np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], axis=1)


def _line(*points: tuple[float, float]) -> Line:
    return np.array(points, np.float64)


def _slash(lines: list[Line], random: Random) -> list[Line]:
    """A line through the zero: within it, or up to as long again; mostly rising, else falling or level."""
    left, top, right, bottom = _box(lines)
    middle = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 0.04, 2)
    kind = random.random()
    angle = random.normal(50, 15) if kind < 0.7 else random.normal(130, 15) if kind < 0.85 else random.normal(0, 10)
    way = np.array([np.cos(angle * np.pi / 180), -np.sin(angle * np.pi / 180)])
    half = way * [right - left, bottom - top] / 2 if kind < 0.85 else way * (right - left) / 2
    ends = random.uniform(0.5, 2.0) + random.normal(0, 0.25, 2)  # of the way to the zero's line
    return [*lines, np.stack([middle - half * max(0.3, ends[0]), middle + half * max(0.3, ends[1])])]


def _dot(lines: list[Line], random: Random) -> list[Line]:
    """A dot, or a short line, in the middle of the zero."""
    left, top, right, bottom = _box(lines)
    middle = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 0.04, 2)
    return [*lines, middle + random.normal(0, 0.03, (2, 2))]


def _upstroke(lines: list[Line], random: Random) -> list[Line]:
    """The short or long stroke that leads up to the top of a 1."""
    left, top, right, bottom = _box(lines)
    if right - left > 0.5 * (bottom - top):  # it has one, or a base
        lines, (left, top, right, bottom) = [_line((0.5, 0.0), (0.5, 1.0))], (0.5, 0.0, 0.5, 1.0)
    points = np.concatenate(lines)
    head = points[points[:, 1].argmin()]
    length, angle = random.uniform(0.12, 0.95) * (bottom - top), random.uniform(35, 75) * np.pi / 180
    foot = head + length * np.array([-np.cos(angle), np.sin(angle)])
    return [np.stack([foot, head]), *lines]


def _base(lines: list[Line], random: Random) -> list[Line]:
    """The line that a 1 stands on."""
    _, top, _, bottom = _box(lines)
    points = np.concatenate(lines)
    foot = points[points[:, 1].argmax()]
    sides = random.uniform(0.15, 0.45, 2) * (bottom - top)
    return [*lines, _line((foot[0] - sides[0], foot[1]), (foot[0] + sides[1], foot[1] + random.normal(0, 0.03)))]


def _lean(lines: list[Line], random: Random) -> list[Line]:
    """A 1 that falls to the right, or a little to the left."""
    slant = random.uniform(-0.25, 0.9)
    return [line @ np.array([[1.0, 0.0], [-slant, 1.0]]) for line in lines]


def _looped_two(_: list[Line], random: Random) -> list[Line]:
    """A 2 whose lower left corner is a loop."""
    size = random.uniform(0.08, 0.18)
    neck = _arc(0.45, 0.28, 0.3, 0.28, 190, 400)
    loop = _arc(0.2 + size / 2, 0.95 - size, size, size * 0.8, 80, 360 + random.uniform(20, 60))
    return [np.concatenate([neck, loop, _line((0.6, 0.95), (0.85, random.uniform(0.85, 1.0)))])]


def _flat_three(_: list[Line], random: Random) -> list[Line]:
    """A 3 that begins with a level line and a corner."""
    corner = (random.uniform(0.65, 0.85), 0.02)
    inner = (random.uniform(0.3, 0.5), random.uniform(0.35, 0.45))
    belly = _arc(0.4, 0.69, random.uniform(0.28, 0.42), 0.3, -80, random.uniform(120, 170))
    return [np.concatenate([_line((0.1, random.uniform(0, 0.06)), corner, inner), belly])]


def _apart_four(_: list[Line], random: Random) -> list[Line]:
    """An open 4 of two strokes: the stem crosses the bar, touches it, or stands beside it."""
    elbow = random.uniform(0.45, 0.8)
    bar_end = random.uniform(0.5, 0.85)
    top = (random.uniform(0.1, 0.4), random.uniform(0, 0.15))
    first = _line(top, (random.uniform(0.0, 0.12), elbow), (bar_end, elbow + random.normal(0, 0.03)))
    stem = bar_end + random.uniform(-0.3, 0.12)
    begin = random.uniform(0, elbow - 0.05) if random.random() < 0.7 else random.uniform(0.3, elbow)
    return [first, _line((stem + random.normal(0.03, 0.04), begin), (stem + random.normal(0, 0.04), random.uniform(0.9, 1.05)))]


def _closed_four(_: list[Line], random: Random) -> list[Line]:
    """A 4 in one stroke, closed above, as it is printed."""
    elbow, stem = random.uniform(0.5, 0.75), random.uniform(0.5, 0.7)
    bar = _line((stem, 1.0), (stem + random.normal(0.03, 0.03), 0.0), (0.0, elbow), (random.uniform(0.75, 0.95), elbow))
    return [bar]


def _floating_five(_: list[Line], random: Random) -> list[Line]:
    """A 5 whose bar doesn't touch its body."""
    top = random.uniform(0.02, 0.12)
    body = _arc(random.uniform(0.3, 0.42), 0.68, random.uniform(0.28, 0.4), 0.3, -90, random.uniform(110, 160))
    back = _line((random.uniform(0.12, 0.28), top + random.uniform(0, 0.06)), (random.uniform(0.08, 0.2), 0.45))
    bar = _line(
        (random.uniform(0.15, 0.4), random.uniform(-0.06, 0.04)), (random.uniform(0.65, 0.95), random.uniform(-0.1, 0.04))
    )
    return [np.concatenate([back, body]), bar]


def _looped_six(_: list[Line], random: Random) -> list[Line]:
    """A 6 with a large or a tiny loop."""
    down, across = random.uniform(0.1, 0.36), random.uniform(0.12, 0.34)
    middle = (0.1 + across, 1 - down)
    top = (middle[0] + random.uniform(0.0, 0.5), 0.0)
    bow = (0.1 + random.uniform(-0.05, 0.1), random.uniform(0.35, 0.6))
    return [np.concatenate([_line(top, bow), _arc(*middle, across, down, 180, -random.uniform(160, 200))])]


def _bar(lines: list[Line], random: Random) -> list[Line]:
    """A bar through the stem of a 7."""
    _, top, _, bottom = _box(lines)
    height = top + random.uniform(0.4, 0.62) * (bottom - top)
    points = np.concatenate(lines)
    stem = points[np.abs(points[:, 1] - height).argmin(), 0]
    sides, tilt = random.uniform(0.12, 0.38, 2), random.normal(-0.03, 0.06)
    return [*lines, _line((stem - sides[0], height - tilt), (stem + sides[1], height + tilt))]


def _hook(lines: list[Line], random: Random) -> list[Line]:
    """The short stroke down at the left end of a 7."""
    _, top, _, bottom = _box(lines)
    points = np.concatenate(lines)
    upper = points[points[:, 1] <= top + 0.3 * (bottom - top)]
    begin = upper[upper[:, 0].argmin()]
    return [_line((begin[0] + random.normal(0, 0.03), begin[1] + random.uniform(0.08, 0.3)), tuple(begin)), *lines]


def _leg(_: list[Line], random: Random) -> list[Line]:
    """A 9 with a large or tiny loop, and a straight, curled or leftward leg."""
    across, down = random.uniform(0.14, 0.34), random.uniform(0.12, 0.32)
    middle = (0.2 + across, down)
    side = middle[0] + across
    kind = random.random()
    if kind < 0.4:
        leg = _line((side, down), (side + random.normal(0, 0.06), 1.0))
    elif kind < 0.7:
        leg = np.concatenate([_line((side, down)), _arc(side - 0.3, 0.72, 0.3, 0.27, 0, random.uniform(90, 170))])
    else:
        leg = _line((side, down), (side - random.uniform(0.2, 0.6), 1.0))
    return [np.concatenate([_arc(*middle, across, down, 0, -random.uniform(340, 370)), leg])]


def _open_nine(_: list[Line], random: Random) -> list[Line]:
    """A 9 whose loop is a hook that doesn't close, or hardly."""
    across, down = random.uniform(0.14, 0.3), random.uniform(0.12, 0.28)
    middle = (0.2 + across, down)
    hook = _arc(*middle, across, down, random.uniform(60, 140), 360)  # from within, over the left and the top
    return [np.concatenate([hook, _line((middle[0] + across - random.uniform(-0.05, 0.4), 1.0))])]


Form = Callable[[list[Line], Random], list[Line]]

#: What makes each form, by digit and by its field in `Forms`.
FORMS: list[dict[str, Form]] = [
    {"zero_slashed": _slash, "zero_dotted": _dot},
    {"one_leaning": _lean, "one_upstroke": _upstroke, "one_base": _base},
    {"two_looped": _looped_two},
    {"three_flat": _flat_three},
    {"four_apart": _apart_four, "four_closed": _closed_four},
    {"five_floating": _floating_five},
    {"six_loop": _looped_six},
    {"seven_hook": _hook, "seven_bar": _bar},
    {},
    {"nine_leg": _leg, "nine_open": _open_nine},
]
