"""One suite, unchanged, on every ledger."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tideng.evidence.checkpoint import open_checkpoint
from tideng.evidence.entries import decode_entry, encode_entry
from tideng.evidence.ledger import LEAVES_MAX, Ledger, OutsideLedger
from tideng.evidence.memory import MemoryLedger
from tideng.evidence.merkle import EMPTY_ROOT, Edge, leaf_hash, verify_consistency, verify_inclusion
from tideng.evidence.note import verifier_for
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.storage.sqlite import Writer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "contract.example/log"
ME = verifier_for(ORIGIN, KEY)


class Clock:
    """A clock that moves a little at each look, and jumps when told."""

    def __init__(self) -> None:
        self.at = 1_800_000_000_000_000

    def __call__(self) -> int:
        self.at += 10
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger(origin=ORIGIN, key=KEY, clock=clock)
        return
    with Writer(tmp_path / "ledger.db", schema={"evidence": SCHEMA}) as writer:
        kept = SqliteLedger(writer, origin=ORIGIN, key=KEY, clock=clock)
        yield kept
        kept.close()


def some(count: int, first: int = 0) -> list[bytes]:
    return [encode_entry({"kind": "t/1", "at": 1, "n": first + i}) for i in range(count)]


def expected_root(leaves: list[bytes]) -> bytes:
    edge = Edge()
    edge.extend([leaf_hash(leaf) for leaf in leaves])
    return edge.root()


def outside(ask: Callable[[], object]) -> None:
    with pytest.raises(OutsideLedger):
        ask()


def test_an_empty_ledger(ledger: Ledger) -> None:
    assert (ledger.size, ledger.root(), ledger.latest_checkpoint()) == (0, EMPTY_ROOT, None)
    assert ledger.leaves(0, 0) == []
    assert ledger.verify().is_intact
    outside(lambda: ledger.leaf(0))
    outside(lambda: ledger.inclusion_proof(0))
    outside(lambda: ledger.consistency_proof(0))


def test_entries_keep_their_index_and_bytes(ledger: Ledger) -> None:
    leaves = some(600)
    assert ledger.append(leaves[:1]) == 0
    assert ledger.append(leaves[1:256]) == 1
    assert ledger.append([]) == 256
    assert ledger.append(leaves[256:]) == 256
    assert ledger.size == 600
    assert ledger.leaves(0, 600) == leaves
    assert ledger.leaf(599) == leaves[599]
    assert ledger.root() == ledger.root(600) == expected_root(leaves)
    assert ledger.root(257) == expected_root(leaves[:257])
    assert ledger.root(0) == EMPTY_ROOT


def test_asking_outside(ledger: Ledger) -> None:
    ledger.append(some(5))
    outside(lambda: ledger.leaf(5))
    outside(lambda: ledger.leaf(-1))
    outside(lambda: ledger.leaves(3, 6))
    outside(lambda: ledger.leaves(4, 3))
    outside(lambda: ledger.root(6))
    outside(lambda: ledger.root(-1))
    outside(lambda: ledger.inclusion_proof(5))
    outside(lambda: ledger.inclusion_proof(3, 3))
    outside(lambda: ledger.inclusion_proof(3, 6))
    outside(lambda: ledger.consistency_proof(0, 5))
    outside(lambda: ledger.consistency_proof(5, 4))
    outside(lambda: ledger.consistency_proof(5, 6))
    outside(lambda: ledger.leaves(0, LEAVES_MAX + 1))


def test_an_entry_too_long_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="limit is 65535"):
        ledger.append([*some(3), b"x" * 65_536])
    assert ledger.size == 0
    assert ledger.append(some(1)) == 0
    assert ledger.root() == expected_root(some(1))


def test_checkpoints_are_signed_and_never_contradicted(ledger: Ledger) -> None:
    opened = []
    for count in (0, 3, 1, 300):
        ledger.append(some(count, ledger.size))
        note = ledger.checkpoint()
        assert ledger.latest_checkpoint() == note == ledger.checkpoint()
        opened.append(open_checkpoint(note, ORIGIN, [ME]))
    assert [each.size for each in opened] == [0, 3, 4, 304]
    for older in opened[1:]:
        assert older.root == ledger.root(older.size)
        proof = ledger.consistency_proof(older.size)
        verify_consistency(older.size, 304, older.root, ledger.root(), proof)
    assert ledger.verify().checkpoints >= 4


def test_verify_reports_progress(ledger: Ledger) -> None:
    ledger.append(some(5_000))
    seen: list[tuple[int, int]] = []
    result = ledger.verify(lambda done, total: seen.append((done, total)))
    assert (result.is_intact, result.size, result.root) == (True, 5_000, ledger.root())
    assert seen[-1] == (5_000, 5_000)
    assert len(seen) >= 2


def test_verify_names_an_entry_that_is_not_canonical(ledger: Ledger) -> None:
    ledger.append([*some(7), b'{"kind":"t/1", "at":1}', *some(3)])
    result = ledger.verify()
    assert not result.is_intact
    assert result.first_differing == 7


def test_time_never_goes_back_and_the_step_is_an_entry(ledger: Ledger, clock: Clock) -> None:
    before = ledger.now()
    ledger.append(some(1))
    clock.at -= 60_000_000
    assert ledger.now() >= before
    ledger.append(some(1))
    told = decode_entry(ledger.leaf(ledger.size - 1))
    assert told["kind"] == "clock/1"
    assert 59_000_000 < told["back_us"] <= 60_000_000
    assert told["at"] >= before
    ledger.append(some(1))
    assert ledger.size == 4  # recorded once, though the clock is still behind
    assert ledger.verify().is_intact


def test_appends_from_many_threads_are_each_whole(ledger: Ledger) -> None:
    firsts: dict[int, int] = {}

    def work(who: int) -> None:
        firsts[who] = ledger.append(some(40, who * 40))

    threads = [threading.Thread(target=work, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(firsts.values()) == list(range(0, 320, 40))
    for who, first in firsts.items():
        assert ledger.leaves(first, first + 40) == some(40, who * 40)
    assert ledger.verify().is_intact


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(
    counts=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    picks=st.tuples(st.integers(0), st.integers(0), st.integers(0)),
)
def test_any_appends_any_proof(ledger: Ledger, counts: list[int], picks: tuple[int, int, int]) -> None:
    for count in counts:  # the ledger goes on growing from example to example
        ledger.append(some(count, ledger.size))
    size = 1 + picks[0] % ledger.size
    index, old = picks[1] % size, 1 + picks[2] % size
    hashed = leaf_hash(ledger.leaf(index))
    verify_inclusion(index, size, hashed, ledger.inclusion_proof(index, size), ledger.root(size))
    proof = ledger.consistency_proof(old, size)
    verify_consistency(old, size, ledger.root(old), ledger.root(size), proof)
