"""The model card as a page of HTML with its pictures in it, which MLflow keeps with the run: one file, nothing to fetch."""

import base64
import io
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from pipeline.evaluation import metrics
from pipeline.evaluation.card import Facts
from pipeline.images.arrays import SIDE, Images, network_input
from pipeline.system.paths import replacing

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

DOTS = 110  # an inch
REPEATS = 30  # readings that the latency is the median of
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:1em 0}"
    "td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left}img{max-width:100%}"
)


def latency_milliseconds(network: "keras.Model", image: Images) -> float:
    """How long a network takes for one image, (28, 28) uint8, traced: the median, milliseconds."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32)]
    read = tf.function(partial(network, training=False), input_signature=signature, autograph=False)
    given, seconds = tf.constant(network_input(image[np.newaxis])), []
    for _ in range(REPEATS + 1):  # the first one traces
        begin = time.perf_counter()
        read(given).numpy()
        seconds.append(time.perf_counter() - begin)
    return median(seconds[1:]) * 1000


def write(path: Path, card: str, figures: dict[str, "bytes | Figure"], latency: float) -> None:
    """Write the page: the card, as Markdown, with the latency for one image, milliseconds, and pictures by their titles."""
    from markdown_it import MarkdownIt

    told = f"{card}\nOn the machine that measured it, it takes {latency:.2f} ms for one image.\n"
    for title, figure in figures.items():
        picture = base64.b64encode(figure if isinstance(figure, bytes) else _png(figure)).decode()
        told += f"\n## {title}\n\n![{title}](data:image/png;base64,{picture})\n"
    with replacing(path) as temporary:
        head = f"<!doctype html><meta charset=utf-8><title>Model card</title><style>{STYLE}</style>"
        temporary.write_text(head + MarkdownIt().enable("table").render(told), encoding="utf-8")


def _png(figure: "Figure") -> bytes:
    content = io.BytesIO()
    figure.savefig(content, dpi=DOTS, format="png")
    return content.getvalue()


def mistakes(facts: Facts) -> dict[str, "bytes | Figure"]:
    """A sheet of the worst mistakes of each set that stands for itself."""
    from pipeline.evaluation import figures  # matplotlib takes a second

    names, count = facts.summary["class_names"], facts.options.worst_mistakes
    sheets: dict[str, bytes | Figure] = {}
    for each in facts.sets:
        if not each.whole:
            given = facts.answers[each.name].probabilities
            worst = metrics.worst_mistakes(each.split.labels, given, count)
            sheets[f"The worst mistakes: {each.title}"] = figures.mistakes(each.split, given, worst, names)
    return sheets
