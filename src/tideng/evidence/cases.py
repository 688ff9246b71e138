"""Which messages belong to a case: put together by people, kept as entries, handed over as one bundle.

A case here is a name and a list. Its parties, deadlines and hearings are not the ledger's business.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, Protocol

from tideng.evidence import landmarks
from tideng.evidence.entries import decode_entry
from tideng.evidence.landmarks import CaseFileEntry

MESSAGES_MAX: Final = 1_000
"""In one case."""
NAME_CHARACTERS_MAX: Final = 100


class Keeps(Protocol):
    """The ledger, as a case needs it."""

    def now(self) -> int: ...
    def leaf(self, index: int) -> bytes: ...
    def append_in(self, conn: sqlite3.Connection, leaves: Sequence[bytes]) -> int: ...


class CaseRefused(ValueError):
    """It cannot be put into the case. The message says why and what to do."""


def messages_of(conn: sqlite3.Connection, ledger: Keeps, case: str) -> tuple[int, ...]:
    """The messages of a case, in the order they were put in; empty if nobody named it yet."""
    found: dict[int, None] = {}
    for position in landmarks.positions(conn, "case_file/1"):
        entry = decode_entry(ledger.leaf(position))
        if entry["case"] == case:
            found |= dict.fromkeys(map(int, entry["messages"]))
    return tuple(found)


def add_in(
    conn: sqlite3.Connection, ledger: Keeps, case: str, messages: Sequence[int], *, by: str
) -> int | None:
    """Inside one job: put these messages into the case; the entry's position, None if all were in it.

    The caller has looked whether they exist. Raises `CaseRefused`.
    """
    if not 1 <= len(case) <= NAME_CHARACTERS_MAX or not case.isprintable():
        raise CaseRefused(
            f"the case's number has {len(case)} characters; give 1 to {NAME_CHARACTERS_MAX} printable ones"
        )
    known = messages_of(conn, ledger, case)
    new = [message for message in dict.fromkeys(messages) if message not in known]
    if len(known) + len(new) > MESSAGES_MAX:
        raise CaseRefused(
            f"the case would have {len(known) + len(new)} messages; the limit is {MESSAGES_MAX}. "
            "Begin a second one, or ask for a number and a window."
        )
    if not new:
        return None
    entry = CaseFileEntry(at=ledger.now(), by=by, case=case, messages=tuple(map(str, new)))
    return landmarks.record_in(conn, ledger, entry)
