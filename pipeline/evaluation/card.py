"""The model card: what a network is, how good it is and on what, and what it is not for, in words and tables.

After Mitchell et al., Model Cards for Model Reporting, 2019, https://arxiv.org/abs/1810.03993. It is a function of what the
stage depends on: how long a network takes is not in it, for that is another number each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.evaluation import metrics, outside
from pipeline.evaluation.options import Evaluation
from pipeline.evaluation.outside import Answers, Outside
from pipeline.inference.description import DIGITS

if TYPE_CHECKING:
    import keras

TEST = "test"  # the name of the test images among the sets
NO_DIGIT = "called no digit"


@dataclass(frozen=True)
class Section:
    """A part of the card: a title, paragraphs, and a table whose first row is its head, or none."""

    title: str
    paragraphs: list[str]
    table: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Facts:
    """What the card is made from."""

    options: Evaluation  # how the network was evaluated
    summary: dict[str, Any]  # of the prepared data
    values: dict[str, Any]  # the metrics
    sets: Sequence[Outside]  # everything besides the test images
    answers: dict[str, Answers]  # by the name of the set; of the test images as `TEST`
    layers: str  # of the network, in words
    size: int  # of the network's file, bytes

    @property
    def titles(self) -> dict[str, str]:
        """The test images and the sets that stand for themselves, by name, each with its title."""
        own = {TEST: f"{self.summary['dataset']}'s test images"}
        return own | {each.name: each.title for each in self.sets if not each.whole}


def layers(network: "keras.Model") -> str:
    """The layers of a network that have weights to learn of their own: ``Conv2D 24, Conv2D 64, Dense 10``."""
    sizes = ((layer, getattr(layer, "filters", getattr(layer, "units", None))) for layer in network.layers)
    return ", ".join(f"{type(layer).__name__} {size}" for layer, size in sizes if size)


def sections(facts: Facts) -> list[Section]:
    """The whole card."""
    parts = [_what(facts), _data(facts), _accuracy(facts), _corruptions(facts), _recall(facts), _calibration(facts)]
    return [part for part in [*parts, _rejection(facts), _limits(facts)] if part]


def _what(facts: Facts) -> Section:
    names, values = facts.summary["class_names"], facts.values
    reads = "reads handwritten digits" if names == DIGITS else f"tells {', '.join(names)} apart"
    return Section(
        f"A network that {reads}",
        [
            "It takes images of 28 x 28 pixels, ink bright on dark, one of these in each, and gives ten probabilities. Its "
            f"layers with weights: {facts.layers}; {values['network_parameters']:,} parameters in all, after "
            f"{values['best_epoch']} of {values['epochs']} epochs.",
            f"Its file, data/trained/network.h5, has {facts.size / 2**20:.2f} MiB; models/mnist.h5 adds a description of it. "
            "How long it takes for an image depends on the machine: that is in MLflow, as latency_milliseconds and on the page "
            "model_card.html among the run's artifacts.",
        ],
    )


def _data(facts: Facts) -> Section:
    summary, licences = facts.summary, facts.summary["licences"]
    splits = summary["splits"]
    rows = [[summary["dataset"], f"{splits['train']['images']:,} images", "training", licences[summary["dataset"]]]]
    for name, counts in summary["strokes"].items():
        if counts["trained_on"]:
            rows.append([name, f"{counts['trained_on']:,} drawings, rendered anew", "training", licences[name]])
    rows.append(["validation", f"{splits['validation']['images']:,} images", "choosing, thresholds", "as above"])
    for each in facts.sets:
        if not each.whole and each.name in licences:
            rows.append([each.title, f"{len(each.split.labels):,} images", "measuring alone", licences[each.name]])
    measured = {each.name for each in facts.sets} | {each.whole for each in facts.sets}
    for chosen in facts.options.sets:
        if chosen.name in measured:
            count = facts.values[f"{chosen.name}_images"]
            rows.append([chosen.title, f"{count:,} images: {chosen.reason}", "measuring alone", chosen.licence])
    head = ["data", "what", "used for", "licence"]
    return Section(
        "What it was trained on and measured by", ["Nothing was chosen by what is for measuring alone."], [head, *rows]
    )


def _accuracy(facts: Facts) -> Section:
    level = f"{facts.options.confidence:.0%} interval"
    rows = [["set", "images", "accuracy", level, NO_DIGIT, "calibration error"]]
    for name, title in facts.titles.items():
        given = facts.answers[name]
        bins = metrics.calibration(given.labels, given.probabilities, facts.options.calibration_bins)
        error = metrics.expected_calibration_error(bins)
        rows.append([title, f"{len(given.labels):,}", *_measured(facts.values, name), f"{error:.4f}"])
    told = [
        "An image that is called no digit counts as wrong. Of the test images alone the most probable answer counts, so that "
        "their accuracy can be compared with that of other programs."
    ]
    return Section("How often it is right", told, rows)


def _measured(values: dict[str, Any], name: str) -> list[str]:
    """Accuracy, interval and the part that was rejected."""
    accuracy, low, high, rejected = (
        values[f"{name}_{end}"] for end in ("accuracy", "accuracy_low", "accuracy_high", "rejected")
    )
    return [_percent(accuracy), f"{_percent(low)} to {_percent(high)}", _percent(rejected)]


def _corruptions(facts: Facts) -> Section | None:
    options, values = facts.options.corruptions, facts.values
    if options is None:
        return None
    parts = {each.name: each.title for each in facts.sets if each.whole == options.name}
    rows = [["corruption", "accuracy", f"{facts.options.confidence:.0%} interval", NO_DIGIT]]
    for name, title in parts.items():
        rows.append([title, *_measured(outside.measure(name, facts.answers[name], facts.options.confidence), name)])
    rows.append(["all", *_measured(values, options.name)])
    count, error = values[f"{options.name}_images"], values[f"{options.name}_error"]
    told = (
        f"{count:,} test images, each with every corruption of MNIST-C (N. Mu and J. Gilmer, 2019, "
        f"https://arxiv.org/abs/1906.02337), made from its definition. The mean error is {_percent(error)} as in the paper, by "
        "the most probable digit. In the table, what was called no digit counts as wrong."
    )
    return Section(options.title, [told], rows)


def _recall(facts: Facts) -> Section:
    names = facts.summary["class_names"]
    rows = [["set", *names]]
    for name, title in facts.titles.items():
        found = {row["digit"]: _percent(row["recall"]) for row in outside.recalls(name, facts.answers[name], names)}
        rows.append([title, *(found.get(each, "") for each in names)])
    return Section("How many of each it finds", ["Recall: the part of the images of each that is read as it."], rows)


def _calibration(facts: Facts) -> Section:
    error = facts.values["test_calibration_error"]
    return Section(
        "What its probabilities mean",
        [
            f"On the test images, an answer's probability and how often it is right differ by {_percent(error)} in the mean "
            f"(expected calibration error, {facts.options.calibration_bins} bins; Guo et al., 2017, "
            "https://arxiv.org/abs/1706.04599). The table of accuracies has this error for the other sets: the larger it is, "
            "the less its probabilities can be trusted on images like those."
        ],
    )


def _rejection(facts: Facts) -> Section:
    values = facts.values
    return Section(
        "What it rejects",
        [
            "An image's likeness to a digit is the free energy of the mean logits of the image and of four copies, moved by "
            f"two pixels each. Below {values['none_below']:.2f} it is no digit. "
            f"The window's answer goes by {'that mean' if values['answers_by_mean'] else 'the logits of the image'}, which has "
            "the lower cross-entropy on validation images. "
            f"Below {values['uncertain_below']:.2f}, or with a probability below {values['sure_from']}, it is uncertain. The "
            "thresholds were set by validation images.",
            f"Of the test images, {_percent(values['test_rejected'])} are called no digit, and "
            f"{_percent(values['test_uncertain'])} are below the second threshold. Of letters, signs and scribbles, "
            f"{_percent(values['negatives_rejected'])} are called no digit, and {_percent(values['negatives_uncertain'])} are "
            f"below the second threshold (AUROC {values['negatives_auroc']:.4f}). The others are read as some digit.",
        ],
    )


def _limits(facts: Facts) -> Section:
    names = facts.summary["class_names"]
    rows = [row for name in facts.titles for row in outside.recalls(name, facts.answers[name], names)]

    def at_best(row: dict[str, Any]) -> float:  # few images may be unlucky ones
        return metrics.wilson_interval(round(row["recall"] * row["images"]), row["images"], facts.options.confidence)[1]

    worst = min(rows, key=at_best)
    told = [
        f"It finds {worst['digit']} least often in {facts.titles[worst['set']]}: {_percent(worst['recall'])} of "
        f"{worst['images']:,} images.",
        "It is not for decisions that nobody checks: sums of money, doses, votes, post. The accuracies above are of the people "
        "who wrote these sets; people who learned to write elsewhere, or with an unsteady hand, may be read less well.",
        "It is not for letters, for digits of other scripts than 0 to 9, or for print, of which it was shown nothing; nor for "
        "telling who wrote something. A row of digits is divided by the program around it, which is not measured here.",
    ]
    return Section("What it is not for", told if names == DIGITS else told[:1])


def _percent(part: float) -> str:
    return f"{part:.2%}".replace("%", " %")


def markdown(card: Sequence[Section]) -> str:
    """The card as Markdown: the first title is that of the whole."""
    parts = ["<!-- Written by python -m pipeline.evaluate. -->"]
    for number, section in enumerate(card):
        parts += [f"{'##' if number else '#'} {section.title}", *section.paragraphs]
        if section.table:
            head, *rows = ([cell.replace("|", "\\|") for cell in row] for row in section.table)
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]))
    return "\n\n".join(parts) + "\n"
