"""How the window words an answer. Knows nothing of a window."""

from pipeline.inference.results import Digit, Reading


def sentence(error: object) -> str:
    """An error as a sentence: it begins with a small letter, for elsewhere it stands behind the word "Error:"."""
    message = str(error)
    return message[:1].upper() + message[1:]


def with_article(label: int) -> str:
    """A digit with its article: "a 7", "an 8"."""
    return f"{'an' if label == 8 else 'a'} {label}"


def percent(part: float) -> str:
    """A probability, never rounded up to certainty or down to impossibility."""
    if part >= 0.9995:
        return "> 99.9 %"
    return f"{part:.1%}".replace("%", " %") if part >= 0.0005 else "0 %"


def label(digit: Digit) -> str:
    """The label at the box of a digit."""
    if digit.verdict == "none":
        return "no digit"
    return f"{short_label(digit)}  {percent(digit.prediction.probability)}"


def short_label(digit: Digit) -> str:
    """The label where there is little room."""
    if digit.verdict == "none":
        return "?"
    return f"{digit.prediction.digit}{'?' if digit.verdict == 'unsure' else ''}"


def headline_points(answer: str, width: float, height: float) -> int:
    """The size, typographic points, at which the lines of an answer fit into `width` x `height` pixels at 96 dots an inch."""
    lines = answer.splitlines() or [""]
    return max(9, min(int(0.61 * height / len(lines)), int(0.93 * width / max(1, *map(len, lines)))))


def headline(answer: str) -> str:
    """The answer, on two lines where it needs them."""
    return answer.replace(": ", ":\n")


def subtitle(reading: Reading, number: int) -> str:
    """How sure the answer is, of the digit with that number."""
    if not reading.digits:
        return ""
    digit = reading.digits[number]
    if len(reading.digits) == 1:
        sure = percent(digit.prediction.probability)
        return {"digit": f"{sure} sure", "unsure": f"{digit.prediction.digit} with {sure}"}.get(digit.verdict, "")
    return f"digit {number + 1} of {len(reading.digits)}: {label(digit)}"
