"""Hydra's sweep grammar as Optuna's distributions."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pipeline.errors import ConfigurationError
from pipeline.search_space import parse
from pipeline.sweep_records import short


@pytest.mark.parametrize(
    ("override", "distribution"),
    [
        ("a=interval(0.1, 6)", FloatDistribution(0.1, 6.0)),
        ("a=tag(log, interval(0.1, 6))", FloatDistribution(0.1, 6.0, log=True)),
        ("a=int(interval(1, 9))", IntDistribution(1, 9)),
        ("a=range(0, 10, 3)", IntDistribution(0, 9, step=3)),
        ("a=range(0, 1, 0.25)", CategoricalDistribution(("0.0", "0.25", "0.5", "0.75"))),
        ("a=choice(adam, [1,2])", CategoricalDistribution(("adam", "[1,2]"))),
        ("a=1,2", CategoricalDistribution(("1", "2"))),
    ],
)
def test_each_form_of_the_grammar_has_its_distribution(override: str, distribution: object) -> None:
    dimensions, fixed = parse([override])
    assert dimensions[0].distribution == distribution
    assert fixed == []


def test_an_override_that_does_not_vary_stays_one() -> None:
    dimensions, fixed = parse(["model=mlp", "optimizer.rho=interval(0.8, 0.9)"])
    assert [dimension.key for dimension in dimensions] == ["optimizer.rho"]
    assert fixed == ["model=mlp"]


@pytest.mark.parametrize("override", ["a=glob(*)", "a=interval(5, 1)", "a=((", "a=range(5, 1)", "a=tag(log, interval(0, 1))"])
def test_what_can_not_be_sampled_is_one_message(override: str) -> None:
    with pytest.raises(ConfigurationError, match="Error: the "):
        parse([override])


def test_a_number_is_tried_with_the_digits_that_a_person_reads() -> None:
    dimension = parse(["optimizer.rho=interval(0.8, 0.99)"])[0][0]
    assert dimension.override(0.912345678) == "optimizer.rho=0.9123"


def test_a_short_name_keeps_what_tells_keys_apart() -> None:
    overrides = ["optimizer.rho=0.9", "model.blocks.0.filters=8", "model.blocks.1.filters=9", "model.dense.0.units=64"]
    assert short(overrides) == "rho=0.9, blocks.0.filters=8, blocks.1.filters=9, units=64"
