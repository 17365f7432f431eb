import gc
import resource
import sys

import pytest

from pipeline.system import importing


def test_a_block_that_imports_hides_libraries_and_puts_the_collector_back() -> None:
    was_there = sys.modules.pop("wave", None)
    with importing.lightly("wave"):
        assert not gc.isenabled()
        assert sys.modules["wave"] is None
    assert gc.isenabled()
    assert "wave" not in sys.modules
    if was_there:
        sys.modules["wave"] = was_there


def test_calls_in_one_piece_of_memory_ask_the_system_for_none() -> None:
    assert faults() > 900, "without it, at some depth every call asks for memory and gives it back"
    assert importing.in_one_piece(faults) < 100


def test_what_is_called_in_one_piece_returns_and_raises_as_without() -> None:
    assert importing.in_one_piece(lambda: 7) == 7
    with pytest.raises(IndexError):
        importing.in_one_piece(lambda: [][0])


def faults() -> int:
    """The most pages that the system had to give for a thousand calls, at any depth of the stack."""
    return max(at_depth(depth) for depth in range(400))


def at_depth(depth: int) -> int:
    if depth:
        return at_depth(depth - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(1000):
        nothing()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def nothing() -> None:
    pass


# Longer than a step of `at_depth`, so that at one of them too little is left for it.
nothing.__code__ = nothing.__code__.replace(co_stacksize=200)
