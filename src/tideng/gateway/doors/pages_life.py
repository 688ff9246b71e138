"""One message's life as steps: what happened, where it lies in the ledger, and the proof that it does."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from tideng.evidence.checkpoint import open_checkpoint
from tideng.evidence.commitment import opens
from tideng.evidence.ledger import LedgerError
from tideng.evidence.merkle import ProofInvalid, leaf_hash, verify_inclusion
from tideng.evidence.note import NoteInvalid
from tideng.evidence.sqlite import SqliteLedger
from tideng.gateway.doors.pages_deps import CodeMeaning
from tideng.gateway.doors.pages_views import TONES
from tideng.gateway.store.bodies import Body
from tideng.gateway.store.store import Store
from tideng.web.moments import When, when

Entry = dict[str, Any]  # Any: an entry's fields are its kind's business
_DECIDERS: Final = ("person:", "policy", "customer")


class Proof(Struct, frozen=True, kw_only=True):
    """An inclusion proof, already checked."""

    index: int
    size: int
    leaf: str
    root: str
    path: tuple[str, ...]
    is_signed: bool
    """Checked against a signed checkpoint, not only against the tree of this moment."""
    problem: str = ""
    """Why the proof does not hold; empty: it does."""


class SeenFinding(Struct, frozen=True):
    """One finding; `seen` is None while it is hidden."""

    code: str
    seen: str | None
    meaning: CodeMeaning | None


class Step(Struct, frozen=True, kw_only=True):
    """One step of the life."""

    kind: str
    """received, decision, handover, report, inbound, other."""
    tone: str
    at: When
    fields: Mapping[str, Any]  # Any: see Entry
    position: int | None = None
    entry: str = ""
    """JSON, indented."""
    proof: Proof | None = None
    findings: tuple[SeenFinding, ...] = ()
    reason: str | None = None
    """Of a later decision; None: hidden or none."""
    versions: tuple[tuple[str, str, str], ...] = ()
    """(kind, id, version) of the registry objects the decision read."""
    due: When | None = None
    """A complaint's deadline."""
    opens: bool | None = None
    """Whether shown number and text are those committed to; None: not shown, or keys that are gone."""


def life_of(
    store: Store,
    entries: Sequence[tuple[int, Entry]],
    body: Body | None,
    meanings: Mapping[str, CodeMeaning],
) -> list[Step]:
    """Steps in the order they happened. `body` None: personal fields stay hidden, or were erased."""
    steps: list[Step] = []
    decisions = [index for index, entry in entries if entry["kind"].startswith("decision/")]
    for index, entry in entries:
        kind = str(entry["kind"]).partition("/")[0]
        if kind == "decision":
            if index == decisions[0]:
                steps.append(_received(store, entry))
            nth = decisions.index(index)
            steps.append(_decision(store, index, entry, body, meanings, nth, nth == len(decisions) - 1))
        else:
            known = kind if kind in ("handover", "report", "inbound", "complaint") else "other"
            word = str(entry.get("outcome") or entry.get("state") or "")
            steps.append(_step(store, index, entry, known, TONES.get(word, "plain")))
    return steps


def _received(store: Store, entry: Entry) -> Step:
    at = when(entry["received_at"], store.time_zone)
    return Step(kind="received", tone="plain", at=at, fields=entry)


def _step(store: Store, index: int, entry: Entry, kind: str, tone: str) -> Step:
    return Step(
        kind=kind,
        tone=tone,
        at=when(entry["at"], store.time_zone),
        fields=entry,
        position=index,
        entry=msgspec.json.format(msgspec.json.encode(entry), indent=2).decode(),
        proof=proof_of(store.ledger, index),
        due=when(entry["due_at"], store.time_zone) if entry.get("due_at") else None,
    )


def _decision(
    store: Store,
    index: int,
    entry: Entry,
    body: Body | None,
    meanings: Mapping[str, CodeMeaning],
    nth: int,
    is_latest: bool,
) -> Step:
    seen: dict[str, list[str]] = {}
    reasons: list[str] = []
    for code, what in body.seen if body else ():
        if code.startswith(_DECIDERS):
            reasons.append(what)
        else:
            seen.setdefault(code, []).append(what)
    findings = tuple(
        SeenFinding(code, " / ".join(filter(None, seen.get(code, ()))) if body else None, meanings.get(code))
        for code in entry["codes"]
    )
    step = _step(store, index, entry, "decision", TONES.get(entry["action"], "plain"))
    return msgspec.structs.replace(
        step,
        findings=findings,
        reason=reasons[nth - 1] if 1 <= nth <= len(reasons) else None,
        versions=tuple(_version(text) for text in entry["registry"]),
        opens=_opens(entry, body, is_latest) if body else None,
    )


def _opens(entry: Entry, body: Body, is_latest: bool) -> bool | None:
    """None for a "decision/1" that was replaced: its keys are gone, which says nothing against it."""
    same = opens(entry["recipient"], body.opening_recipient, body.recipient or body.given) and opens(
        entry["text"], body.opening_text, body.text
    )
    return same if same or is_latest or entry["kind"] != "decision/1" else None


def _version(text: str) -> tuple[str, str, str]:
    kind, _, rest = text.partition(":")
    object_id, _, version = rest.rpartition("@")
    return kind, object_id, version


def proof_of(ledger: SqliteLedger, index: int) -> Proof:
    """The inclusion proof of an entry (RFC 9162 §2.1.3), checked against the newest checkpoint over it.

    An entry newer than the last checkpoint is checked against the tree of this moment; the next checkpoint,
    a second later or so, will cover it.
    """
    size, root, problem = ledger.size, b"", ""
    is_signed = False
    hashed, path = b"", []
    try:
        note = ledger.latest_checkpoint()
        if note is not None:
            checkpoint = open_checkpoint(note, ledger.origin, [ledger.verifier])
            if index < checkpoint.size:
                size, root, is_signed = checkpoint.size, checkpoint.root, True
        root = root or ledger.root(size)
        hashed = leaf_hash(ledger.leaf(index))
        path = ledger.inclusion_proof(index, size)
        verify_inclusion(index, size, hashed, path, root)
    except (ProofInvalid, NoteInvalid, LedgerError) as error:
        problem = str(error) or type(error).__name__
    return Proof(
        index=index,
        size=size,
        leaf=hashed.hex(),
        root=root.hex(),
        path=tuple(step.hex() for step in path),
        is_signed=is_signed,
        problem=problem,
    )
