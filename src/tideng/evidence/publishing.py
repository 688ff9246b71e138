"""When a checkpoint may be shown to others: after it is noted outside the ledger, and its witnesses saw it.

A ledger restored from an old backup would sign a second history. It is met twice: by the `Seen` store, which
has a backup life of its own and is advanced by compare-and-swap before anything is shown; and by the
witnesses, who refuse and say which size they know.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

from msgspec import Struct

from tideng.evidence.checkpoint import Checkpoint, open_checkpoint
from tideng.evidence.ledger import LedgerError
from tideng.evidence.note import NoteInvalid, open_note
from tideng.evidence.sqlite import SqliteLedger
from tideng.evidence.trust_policy import Party, PolicyNotMet, TrustPolicy, check_witnessed
from tideng.evidence.witness import SIZE_TYPE, format_request
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer

ANSWER_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 64 * 1024

SCHEMA: Final = (
    Migration(
        1,
        """
        CREATE TABLE seen (
            origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, at INTEGER NOT NULL
        ) WITHOUT ROWID;
        """,
    ),
)
"""Room "seen" of a database that is not the ledger's."""

_WAY_OUT: Final = (
    "Nothing was signed. Restore the newest backup of tideng.db. If it is lost and no witness is asked, "
    "`tideng ledger admit-loss` records the loss and goes on; with witnesses, start a new ledger: an empty "
    "data folder and another `origin`. Keep what is left, and say in writing what was lost."
)


class RolledBack(LedgerError):
    """This ledger is older than what it, or a witness, has seen; going on would make two histories."""


class Seen:
    """The newest checkpoint that may have been shown to anyone, kept apart from the ledger."""

    def __init__(self, writer: Writer, origin: str) -> None:
        self._writer, self._origin = writer, origin

    def last(self) -> tuple[int, bytes] | None:
        """Size and root; None if nothing was shown yet."""
        return self._writer.call(self._last)

    def advance(self, ledger: SqliteLedger, new: Checkpoint, at: int) -> None:
        """Note `new`, if it continues what was seen, in one transaction. `RolledBack` if it does not.

        Two copies of one ledger meet here: the second one's checkpoint does not continue the first's.
        """

        def job(conn: sqlite3.Connection) -> None:
            last = self._last(conn)
            if last is not None and last[0] > 0:
                check_continues(ledger, *last, who="the `seen` store")
                if last[0] > new.size:
                    raise RolledBack(f"{last[0]} entries were vouched for, now {new.size}. {_WAY_OUT}")
            conn.execute(
                "INSERT INTO seen (origin, size, root, at) VALUES (?, ?, ?, ?) ON CONFLICT (origin) "
                "DO UPDATE SET size = excluded.size, root = excluded.root, at = excluded.at",
                (self._origin, new.size, new.root, at),
            )

        self._writer.call(job)

    def admit(self, ledger: SqliteLedger, at: int) -> None:
        """Begin again from what the ledger holds now: after a loss that was recorded."""

        def job(conn: sqlite3.Connection) -> None:
            conn.execute(
                "UPDATE seen SET size = ?, root = ?, at = ? WHERE origin = ?",
                (ledger.size, ledger.root(), at, self._origin),
            )

        self._writer.call(job)

    def _last(self, conn: sqlite3.Connection) -> tuple[int, bytes] | None:
        row = conn.execute("SELECT size, root FROM seen WHERE origin = ?", (self._origin,)).fetchone()
        return (int(row[0]), bytes(row[1])) if row else None


def check_continues(ledger: SqliteLedger, size: int, root: bytes, *, who: str) -> None:
    """`RolledBack` unless the ledger holds everything that `who` saw."""
    if size > ledger.size:
        raise RolledBack(
            f"{who} saw {size} entries; this ledger holds {ledger.size}: an old copy. {_WAY_OUT}"
        )
    if size and root and ledger.root(size) != root:
        raise RolledBack(f"{who} saw other first {size} entries than this ledger holds. {_WAY_OUT}")


class WitnessFailed(Exception):
    """One witness gave no cosignature. The message says why; the others may be enough."""


class WitnessesMissing(Exception):
    """The quorum of witnesses that a bundle needs did not answer. The message says who, and why."""


Post = Callable[[str, bytes], tuple[int, str, bytes]]
"""(URL, body) -> (status, content type, body). Raises `WitnessFailed` when nobody answers."""


def post_over_http(url: str, body: bytes) -> tuple[int, str, bytes]:
    """One request to a witness."""
    import httpx  # only where witnesses are asked

    try:
        answer = httpx.post(url, content=body, timeout=ANSWER_S, follow_redirects=False)
    except httpx.HTTPError as error:
        raise WitnessFailed(f"{url} did not answer ({type(error).__name__})") from error
    if len(answer.content) > ANSWER_BYTES_MAX:
        raise WitnessFailed(
            f"{url} answered with {len(answer.content)} bytes; the limit is {ANSWER_BYTES_MAX}"
        )
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    return answer.status_code, kind, answer.content


class Published(Struct, frozen=True):
    """What `publish` achieved: `note` may be shown; `problems` say which witnesses are missing, and why."""

    size: int
    note: bytes
    is_witnessed: bool
    problems: tuple[str, ...] = ()


class Publisher:
    """Has checkpoints noted and witnessed. Blocking: give it a thread; one per ledger, for any threads."""

    def __init__(
        self,
        writer: Writer,
        ledger: SqliteLedger,
        seen: Seen,
        policy: TrustPolicy | None,
        post: Post = post_over_http,
    ) -> None:
        """`policy`: our witnesses, with URLs; None: no one else is asked."""
        self._writer, self._ledger, self._seen = writer, ledger, seen
        self._post = post
        self._keys = (ledger.verifier, *ledger.retired)
        me = tuple(Party(each.name, each) for each in self._keys)
        self._policy = policy and TrustPolicy(me, policy.witnesses, policy.groups, policy.quorum)
        self._known: dict[str, int] = {}
        self._latest: bytes | None = None
        self._publishing = threading.Lock()
        self._done: Published | None = None
        """The last checkpoint that is done with: nothing new, nothing to ask."""

    def check_start(self) -> list[str]:
        """Before anything is signed: `RolledBack` if this ledger is older than what was seen.

        Returns why some witnesses could not be asked; whether to go on without them is the operator's rule.
        """
        last = self._seen.last()
        if last is not None:
            check_continues(self._ledger, *last, who="the `seen` store")
        note = self._ledger.latest_checkpoint()
        problems = []
        for party in self._asked() if note else ():
            try:
                self._size_at(party, note or b"")
            except WitnessFailed as error:
                problems.append(str(error))
        return problems

    def publish(self) -> Published | None:
        """Note the newest checkpoint and have it cosigned; None if there is none yet.

        `RolledBack` if it does not continue what was seen. What met the quorum is kept as `cosigned`.
        """
        with self._publishing:
            # Read inside: a note from before another thread's turn would look like a step back.
            note = self._ledger.latest_checkpoint()
            if note is None:
                return None
            if self._done is not None and self._done.note.startswith(note):
                return self._done
            return self._publish(note)

    def _publish(self, note: bytes) -> Published:
        checkpoint = open_checkpoint(note, self._ledger.origin, self._keys)
        self._seen.advance(self._ledger, checkpoint, self._ledger.now())
        if self._policy is None:
            self._latest = note
            self._done = Published(checkpoint.size, note, is_witnessed=True)
            return self._done
        lines: list[bytes] = []
        problems: list[str] = []
        for party in self._asked():
            try:
                lines.append(self._cosignature(party, checkpoint, note))
            except WitnessFailed as error:
                problems.append(str(error))
        cosigned = note + b"".join(lines)
        try:
            check_witnessed(self._policy, cosigned)
        except PolicyNotMet as error:
            return Published(checkpoint.size, note, is_witnessed=False, problems=(*problems, str(error)))
        self._writer.call(lambda conn: self._keep(conn, checkpoint.size, cosigned))
        self._latest = cosigned
        done = Published(checkpoint.size, cosigned, is_witnessed=True, problems=tuple(problems))
        self._done = done if not problems else None
        return done

    def latest(self) -> bytes | None:
        """The newest checkpoint that may be shown: noted, and seen by the quorum where one is asked for."""
        if self._latest is None:
            with closing(self._writer.reader()) as conn:
                self._latest = published_note(conn, self._policy is not None)
        return self._latest

    def _asked(self) -> Sequence[Party]:
        return [party for party in self._policy.witnesses if party.url] if self._policy else []

    def _keep(self, conn: sqlite3.Connection, size: int, note: bytes) -> None:
        conn.execute(
            "INSERT INTO cosigned (size, at, note) VALUES (?, ?, ?) "
            "ON CONFLICT (size) DO UPDATE SET note = excluded.note",
            (size, self._ledger.now(), note),
        )

    def _cosignature(self, party: Party, checkpoint: Checkpoint, note: bytes) -> bytes:
        old = self._known.get(party.name, 0)
        for _ in range(2):  # the second time with the size the witness itself named
            if old > checkpoint.size:
                break
            proof = merkle_proof(self._ledger, old, checkpoint.size)
            status, kind, body = self._post(_address(party), format_request(old, proof, note))
            if status == 200:
                return self._checked(party, checkpoint, note, body)
            if status != 409 or kind != SIZE_TYPE:
                raise WitnessFailed(f"{party.name} refused with status {status}")
            try:
                old = self._named_size(party, body)
            except RolledBack as error:
                # While we run, our own memory counts for more than one witness's word; at start it stops us.
                raise WitnessFailed(str(error)) from error
        raise WitnessFailed(f"{party.name} knows size {old} and did not cosign {checkpoint.size}")

    def _checked(self, party: Party, checkpoint: Checkpoint, note: bytes, body: bytes) -> bytes:
        """The one line of this witness in its answer, if it holds over this very checkpoint."""
        try:
            opened = open_note(note + body, [party.verifier])
        except NoteInvalid as error:
            raise WitnessFailed(f"{party.name} answered with a cosignature that does not hold") from error
        self._known[party.name] = checkpoint.size
        return opened.verified[0].line

    def _size_at(self, party: Party, note: bytes) -> int:
        """What a witness has seen; tlog-witness: asking with old size 0 tells. `RolledBack` if it is more."""
        status, kind, body = self._post(_address(party), format_request(0, (), note))
        if status == 200:  # it had seen nothing, or an empty ledger
            return open_checkpoint(note, self._ledger.origin, self._keys).size
        if status != 409 or kind != SIZE_TYPE:
            raise WitnessFailed(f"{party.name} refused with status {status}")
        return self._named_size(party, body)

    def _named_size(self, party: Party, body: bytes) -> int:
        text = body.decode("latin-1").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise WitnessFailed(f"{party.name} named no size")
        size = int(text)
        check_continues(self._ledger, size, b"", who=f"witness {party.name}")
        return size


def published_note(conn: sqlite3.Connection, is_witnessed: bool) -> bytes | None:
    """The newest checkpoint in a ledger's database that may be shown."""
    table = "cosigned" if is_witnessed else "checkpoint"
    row = conn.execute(f"SELECT note FROM {table} ORDER BY size DESC LIMIT 1").fetchone()  # noqa: S608
    return bytes(row[0]) if row else None


def merkle_proof(ledger: SqliteLedger, old: int, new: int) -> list[bytes]:
    """The consistency proof a witness asks for; empty from size 0 (`merkle` proves nothing from there)."""
    return ledger.consistency_proof(old, new) if old else []


def _address(party: Party) -> str:
    return party.url.rstrip("/") + "/add-checkpoint"
