"""The colours of the themes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """The colours of a theme."""

    window: str
    card: str
    paper: str
    ink: str
    text: str
    faint: str
    line: str
    track: str
    right: str  # of a digit that was read
    uncertain: str  # of one that is uncertain
    wrong: str  # of one that is none
    on_right: str
    hover: str
    pro: str  # of ink that is evidence for an answer
    against: str
    neutral: str


LIGHT = Palette(
    *("#f3f4f8", "#ffffff", "#ffffff", "#1d2030", "#1d2030", "#6a7085", "#d3d7e2", "#e8ebf2"),
    *("#2f6bea", "#b26a00", "#8a8fa3", "#ffffff", "#e4e8f2"),
    *("#1f5fe0", "#e8590c", "#b9bfce"),
)
DARK = Palette(
    *("#16181f", "#1f222c", "#1b1e27", "#eef0f7", "#e7e9f1", "#969db3", "#363b4a", "#2b2f3c"),
    *("#6c9dff", "#f0b14a", "#8b91a6", "#10131b", "#2c3140"),
    *("#5a93ff", "#ff8a3d", "#5b6274"),
)
