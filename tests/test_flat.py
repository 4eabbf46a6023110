"""The definition of a flat state in the long runs of tests/flat.py."""

from tests.flat import is_flat


def test_a_growing_state_is_not_flat():
    """A leak of one row per batch is detected, even if it begins late."""
    assert not is_flat(range(1, 31))
    assert not is_flat([10] * 20 + list(range(10, 20)))


def test_a_state_of_varying_size_is_flat():
    """The first rows and random changes do not count as growth."""
    assert is_flat([1, 40, 52, 47, 50, 49, 53, 48])
