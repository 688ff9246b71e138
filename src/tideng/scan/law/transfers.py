"""Holdings and sales: art. 11 of 法释〔2017〕10号, counted. Pure.

(1) Acquiring and then selling the same information counts once. (2) Selling the same information to several
buyers counts for each of them. So there are two ledgers: what is held (each person once), and for every
buyer what that buyer was given (each person once per buyer).
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct


class Counted(Struct, frozen=True):
    """How many items art. 11 counts."""

    held: int
    by_buyer: dict[str, int]
    """Distinct persons that each buyer was given."""
    sold: int
    """Sum over buyers: the same person to two buyers is two."""
    held_only: int
    """Held and given to nobody."""
    total: int
    """What counts: every sale, and what was held without being sold."""


def count_transfers(held: Iterable[int], sold: Mapping[str, Iterable[int]]) -> Counted:
    """Count persons (by their keys) held and sold; what is sold but no longer held counts all the same."""
    mine = set(held)
    given = {buyer: set(keys) for buyer, keys in sold.items()}
    everyone: set[int] = set().union(*given.values()) if given else set()
    by_buyer = {buyer: len(keys) for buyer, keys in sorted(given.items())}
    sales = sum(by_buyer.values())
    held_only = len(mine - everyone)
    return Counted(len(mine), by_buyer, sales, held_only, sales + held_only)
