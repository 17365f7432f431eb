"""Hydra's sweep grammar as Optuna's distributions."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pipeline.config.check import short
from pipeline.sweep.search_space import parse
from pipeline.system.errors import ConfigurationError


@pytest.mark.parametrize(
    ("override", "distribution"),
    [
        ("a=interval(0.1, 6)", FloatDistribution(0.1, 6.0)),
        ("a=tag(log, interval(0.1, 6))", FloatDistribution(0.1, 6.0, log=True)),
        ("a=int(interval(1, 9))", IntDistribution(1, 9)),
        ("a=range(0, 10, 3)", IntDistribution(0, 9, step=3)),
        ("a=range(256, 0, -64)", IntDistribution(64, 256, step=64)),
        ("a=range(0, 1, 0.25)", CategoricalDistribution(("0.0", "0.25", "0.5", "0.75"))),
        ("a=range(0, 5.5, 2)", CategoricalDistribution(("0.0", "2.0", "4.0"))),
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


@pytest.mark.parametrize(("step", "values"), [(-64, ("64", "128", "192", "256")), (-96, ("64", "160", "256"))])
def test_a_range_that_descends_has_the_same_values_for_a_grid_as_for_a_sampler(step: int, values: tuple[str, ...]) -> None:
    dimension = parse([f"a=range(256, 0, {step})"])[0][0]
    assert dimension.values == values
    assert isinstance(dimension.distribution, IntDistribution)
    low, high, stride = dimension.distribution.low, dimension.distribution.high, dimension.distribution.step
    assert tuple(map(str, range(low, high + 1, stride))) == values


@pytest.mark.parametrize("override", ["a=shuffle(1,2,3)", "a=shuffle(range(1, 4))", "a=shuffle(choice(1,2,3))"])
def test_values_are_not_shuffled_for_that_makes_another_study_of_the_same_command(override: str) -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)shuffle.*Write the same without"):
        parse([override])


@pytest.mark.parametrize(
    "override",
    ["a=glob(*)", "a=interval(5, 1)", "a=((", "a=range(5, 1)", "a=range(0.0, 1.0, 0)", "a=tag(log, interval(0, 1))"],
)
def test_what_can_not_be_sampled_is_one_message(override: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^the "):
        parse([override])


def test_a_number_is_tried_with_the_digits_that_a_person_reads() -> None:
    dimension = parse(["optimizer.rho=interval(0.8, 0.99)"])[0][0]
    assert dimension.override(0.912345678) == "optimizer.rho=0.9123"


def test_a_short_name_keeps_what_tells_keys_apart() -> None:
    overrides = ["optimizer.rho=0.9", "model.blocks.0.filters=8", "model.blocks.1.filters=9", "model.dense.0.units=64"]
    assert short(overrides) == "rho=0.9, blocks.0.filters=8, blocks.1.filters=9, units=64"
