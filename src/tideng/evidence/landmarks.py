"""Entries that the evidence itself makes, and where they lie: environment, hand-overs, erasures, holds."""

import sqlite3
from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from tideng.evidence.entries import declare, encode_entry


class EnvironmentEntry(Struct, frozen=True, kw_only=True, gc=False):
    """What ran since here: 证据规定 art. 93 (1)-(2). Checklist element 15."""

    at: int
    kind: Literal["environment/1"] = "environment/1"
    libraries: str
    """Versions of what the program stands on: Python, SQLite, OpenSSL."""
    policy: str
    """SHA-256 of the review policy in force, hex."""
    settings: str
    """SHA-256 of the settings in force, secrets left out, hex."""
    software: str
    source: str
    """SHA-256 over the program's own files, hex."""


class ClockStateEntry(Struct, frozen=True, kw_only=True, gc=False):
    """How far the machine's clock could be off, as its kernel says (adjtimex(2)). Checklist element 3."""

    at: int
    is_synchronised: bool
    """False: nothing corrects the clock now, or the kernel does not say."""
    kind: Literal["clock_state/1"] = "clock_state/1"
    max_error_us: int
    """The largest error there can be; -1 when the kernel does not say."""


class ExportEntry(Struct, frozen=True, kw_only=True, gc=False):
    """An evidence bundle was handed over: the first line of its custody list. Checklist element 16."""

    at: int
    by: str
    case: str
    """The number of the case, as whoever asked for the bundle gave it."""
    content: str
    """SHA-256 over what was disclosed beyond the ledger: openings, registry objects, environment record."""
    entries: int
    """How many entries were handed over."""
    fields: int
    """How many fields of them were opened."""
    kind: Literal["export/1"] = "export/1"
    purpose: str
    """What it was handed over for, as whoever asked said it."""


class CaseFileEntry(Struct, frozen=True, kw_only=True, gc=False):
    """Messages were put into a case: what its next bundle hands over, whoever asks for it."""

    at: int
    by: str
    case: str
    """The number of the case."""
    kind: Literal["case_file/1"] = "case_file/1"
    messages: tuple[str, ...]
    """Their ids."""


class ErasureEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A person's key was destroyed: what it sealed can be opened by nobody. Checklist element 17."""

    at: int
    basis: str
    """Why: the person's request, the end of retention, a court's order."""
    by: str
    kept: str
    """What stays and why: the opt-out's keyed hash, or nothing."""
    kind: Literal["erasure/1"] = "erasure/1"
    records: int
    """How many messages and replies were sealed under the key."""
    subject: str
    """Commitment to the subject; its key is not kept."""


class HoldEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A legal hold on a person's data began or ended. Checklist element 17."""

    at: int
    by: str
    case: str
    """The number of the case the data are kept for."""
    kind: Literal["hold/1"] = "hold/1"
    state: Literal["begun", "ended"]
    subject: str
    """Commitment to the subject."""


class RetentionEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A run of the retention policy: what was kept long enough and is gone now. Checklist element 17."""

    at: int
    by: str
    consents: int
    """How many ended consents were deleted; their entries stay."""
    held: int
    """How many records a legal hold kept from being erased."""
    kind: Literal["retention/1"] = "retention/1"
    messages: int
    """How many messages' contents were erased; their entries stay."""
    policy: str
    """SHA-256 of the retention policy, hex."""
    replies: int
    """How many replies' contents were erased; their entries stay."""


class LossEntry(Struct, frozen=True, kw_only=True, gc=False):
    """The ledger goes on from an older copy: entries that were vouched for are lost. Whoever holds a later
    checkpoint finds here that it was admitted, by whom, and how much."""

    at: int
    by: str
    kept: int
    """How many entries this copy held."""
    kind: Literal["loss/1"] = "loss/1"
    reason: str
    """What happened, in the words of whoever admits it."""
    seen: int
    """How many entries had been vouched for."""
    seen_root: str
    """The root of those, hex."""


class KeyEntry(Struct, frozen=True, kw_only=True, gc=False):
    """From here on the ledger's checkpoints are signed by another key, which the old key's entry names."""

    at: int
    by: str
    kind: Literal["ledger_key/1"] = "ledger_key/1"
    new: str
    """The new verifier key (C2SP vkey)."""
    old: str
    """The verifier key so far."""
    signature: str
    """The new key's signature over the old vkey and the new one, hex: whoever names it also holds it."""


declare(
    "environment/1", "What ran since here: program, settings, policy.", "自此运行的程序、配置与审核策略。"
)
declare(
    "clock_state/1",
    "How far the machine's clock could be off.",
    "本机时钟的最大误差(操作系统内核所报)。",
)
declare(
    "export/1",
    "An evidence bundle was handed over: for which case, with what disclosed.",
    "导出了一份证据包:案号及披露内容的哈希值。",
)
declare("case_file/1", "Messages were put into a case.", "将短信归入某一案件。")
declare(
    "erasure/1",
    "A person's key was destroyed; entries and proofs stay, their content is gone.",
    "销毁了某人的密钥;条目与证明不变,内容不可再读。",
)
declare("hold/1", "A legal hold on a person's data began or ended.", "对某人数据的法律保全开始或结束。")
declare("retention/1", "The retention policy was carried out.", "执行了一次保管期限策略。")
declare(
    "loss/1",
    "The ledger goes on from an older copy; what was lost is named.",
    "账本自旧备份继续;载明所失条目。",
)
declare("ledger_key/1", "The ledger's signing key was replaced.", "更换了账本签名密钥。")


class Appends(Protocol):
    """The ledger, inside a writer's job."""

    def append_in(self, conn: sqlite3.Connection, leaves: Sequence[bytes]) -> int: ...


def record_in(conn: sqlite3.Connection, ledger: Appends, entry: Struct) -> int:
    """Inside one job: append an entry of this room and remember where it lies."""
    position = ledger.append_in(conn, [encode_entry(entry)])
    kind = getattr(entry, "kind", "")
    conn.execute("INSERT INTO landmark (kind, position) VALUES (?, ?)", (kind, position))
    return position


def positions(conn: sqlite3.Connection, kind: str, stop: int = 2**62) -> list[int]:
    """Where entries of a kind lie, below `stop`, in order."""
    rows = conn.execute(
        "SELECT position FROM landmark WHERE kind = ? AND position < ? ORDER BY position", (kind, stop)
    )
    return [position for (position,) in rows]
