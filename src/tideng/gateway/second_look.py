"""Later decisions: a person releases or refuses what is held; an opt-out withdraws what is queued."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import structlog
from msgspec import structs

from tideng.evidence.commitment import KEY_BYTES, commit
from tideng.evidence.entries import encode_entry
from tideng.evidence.ledger import Position
from tideng.evidence.merkle import leaf_hash
from tideng.evidence.subjects import SubjectErased
from tideng.gateway.clearance import Cleared, NotCleared, Openings, Sealed, clear
from tideng.gateway.dispatch import Dispatch, Flight
from tideng.gateway.entries import DecisionEntry
from tideng.gateway.ids import MessageIds, time_of
from tideng.gateway.intake import SOFTWARE, Outcome
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import MessageId, Micros, Outbound
from tideng.gateway.past_entries import as_current, decision_in
from tideng.gateway.registry.store import opted_out
from tideng.gateway.store.bodies import Body, open_body, seal_body
from tideng.gateway.store.decisions import Decided, StateChanged, write_redecided
from tideng.gateway.store.mailbox import NewMail
from tideng.gateway.store.outbox import Leased
from tideng.gateway.store.store import Store
from tideng.gateway.telling import report_mail

_log = structlog.get_logger()
_HOUR_US: Final = 3_600_000_000
REASON_CHARACTERS_MAX: Final = 500


class NotYours(Exception):
    """Who submitted a message may not release it."""


class NoSuchMessage(Exception):
    """There is no message of this number, or its recipient's data has been erased."""


class SecondLook:
    """Makes the second and later decisions; each replaces the one before and says so in the ledger."""

    def __init__(
        self, store: Store, dispatch: Dispatch, mailbox: Mailbox, ids: MessageIds, *, validity_h: float
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._mailbox = mailbox
        self._ids = ids
        self._validity_us = int(validity_h * _HOUR_US)

    async def decide(
        self, message: MessageId, action: Literal["send", "refuse"], account: str, reason: str
    ) -> Outcome:
        """A signed-in person releases or refuses a held message.

        Durable when it returns. Raises `NoSuchMessage`, `NotYours`, `StateChanged`, and ValueError for a
        reason that is missing or longer than 500 characters. An opt-out that came meanwhile refuses.
        """
        reason = reason.strip()
        if not 1 <= len(reason) <= REASON_CHARACTERS_MAX:
            raise ValueError(f"the reason has {len(reason)} characters; give 1 to {REASON_CHARACTERS_MAX}")
        row = self._row(message)
        if row.state != "held":
            raise StateChanged(f"message {message} is {row.state}, not held; look at it again")
        body = self._body(row)
        if action == "send" and body.submitted_by == account:
            raise NotYours(f"message {message} was submitted by {account}; another person must release it")
        stopped = opted_out(self._store.reader, [row.subject]).get(row.subject, ())
        if action == "send" and {"*", row.principal} & set(stopped):
            action, account, reason = "refuse", "", "OPTED_OUT"
        by = f"person:{account}" if account else "policy"
        added = ("OPTED_OUT",) if not account else ()
        return await self._redecide(row, body, action, by, reason, added)

    async def cancel(self, customer: str, message: MessageId) -> bool:
        """The customer takes back a held or waiting message of its own; False when it is too late."""
        row = self._find(message)
        if row is None or row.customer != customer or row.state not in ("held", "queued") or row.leased:
            return False
        try:
            await self._redecide(row, self._body(row), "refuse", "customer", "cancelled", ("CANCELLED",))
        except StateChanged:
            return False
        return True

    def clear_again(self, rows: Sequence[Leased]) -> list[Flight]:
        """Clear messages from the outbox once more, against what the ledger holds.

        A message whose recipient said stop meanwhile comes along too: dispatch withdraws it. One
        that the ledger does not confirm stays where it is, leased, and is loudly reported.
        """
        flights: list[Flight] = []
        stopped = opted_out(self._store.reader, [row.subject for row in rows])
        for row in rows:
            try:
                cleared = self._cleared(row)
            except (NotCleared, SubjectErased, msgspec.DecodeError) as error:
                _log.error("not_cleared_again", message=row.message, error=type(error).__name__)
                continue
            for principal in stopped.get(row.subject, ()):
                self._dispatch.stop(row.subject, principal)
            flights.append(
                Flight(
                    cleared,
                    row.subject,
                    attempts=row.attempts,
                    accepted=row.accepted,
                    maybe_sent=row.maybe_sent,
                )
            )
        return flights

    async def withdraw(self, flight: Flight, code: str) -> None:
        """A cleared message must not go out any more: refuse it, in the ledger too."""
        row = self._row(flight.cleared.outbound.id)
        try:
            await self._redecide(row, self._body(row), "refuse", "policy", code, (code,))
        except StateChanged:
            _log.info("withdrawn_too_late", message=flight.cleared.outbound.id)

    def _cleared(self, row: Leased) -> Cleared:
        leaf = self._store.ledger.leaf(row.position)
        body = open_body(self._store.key_for(row.subject), row.message, row.sealed)
        openings = Openings(body.opening_recipient, body.opening_text)
        outbound = Outbound(
            id=row.message,
            customer=row.customer,
            principal=row.principal,
            category=row.category,
            recipient=body.recipient,
            code_number=row.code_number,
            text=body.text,
            received_at=time_of(row.message),
            valid_until=body.valid_until,
            registered_delivery=row.reported,
            flash=body.flash,
        )
        sealed = Sealed(decision_in(leaf), openings, Position(row.position, leaf_hash(leaf)))
        return clear(outbound, sealed)

    async def _redecide(
        self, row: "Row", body: Body, action: str, by: str, reason: str, added: tuple[str, ...]
    ) -> Outcome:
        store = self._store
        now = store.ledger.now()
        previous = as_current(decision_in(store.ledger.leaf(row.position)))
        entropy = store.entropy(KEY_BYTES + 12)
        is_person = by.startswith("person:")
        opening = entropy[:KEY_BYTES] if is_person else b""
        # The commitments stay: what opened the first decision opens this one, and a case shows both.
        entry = structs.replace(
            previous,
            action=action,
            at=now,
            by=by,
            codes=tuple(dict.fromkeys((*added, *previous.codes))),
            previous=row.position,
            reason=commit(opening, reason) if is_person else "",
            software=SOFTWARE,
        )
        decided_body = structs.replace(
            body,
            opening_reason=opening or body.opening_reason,
            reason=reason if is_person else body.reason,
            seen=(*body.seen, (by, reason)),
            valid_until=max(body.valid_until, now + self._validity_us) if action == "send" else 0,
        )
        decided = self._decided(row, entry, decided_body, entropy[KEY_BYTES:], now)
        mail = self._mail(row, decided_body, entry, now) if action == "refuse" else None
        day = store.day(now)
        letters = [mail] if mail is not None else []
        position = await store.run(lambda conn: write_redecided(conn, store.ledger, decided, letters, day))
        self._mailbox.arrived(letters)
        self._dispatch.tick()
        return Outcome(row.id, action, entry.codes, position.index)

    def _decided(self, row: "Row", entry: DecisionEntry, body: Body, nonce: bytes, now: Micros) -> Decided:
        key = self._store.key_for(row.subject)
        return Decided(
            id=row.id,
            customer=row.customer,
            principal=row.principal,
            category=row.category,
            code_number=row.code_number,
            door=row.door,
            action=entry.action,
            state="queued" if entry.action == "send" else "refused",
            codes=",".join(entry.codes),
            subject=row.subject,
            text_key=row.text_key,
            reported=row.reported,
            at=now,
            sealed=seal_body(key, row.id, body, nonce),
            leaf=encode_entry(entry),
            due_at=max(now, entry.not_before) if entry.action == "send" else 0,
        )

    def _mail(self, row: "Row", body: Body, entry: DecisionEntry, now: Micros) -> NewMail | None:
        outbound = Outbound(
            id=row.id,
            customer=row.customer,
            principal=row.principal,
            category=row.category,
            recipient=body.recipient,
            code_number=row.code_number,
            text="",
            received_at=time_of(row.id),
            valid_until=0,
            registered_delivery=row.reported,
        )
        code = entry.codes[0] if entry.codes else "REFUSED"
        return report_mail(self._ids, outbound, row.subject, "refused", code, now)

    def _row(self, message: MessageId) -> "Row":
        row = self._find(message)
        if row is None:
            raise NoSuchMessage(f"there is no message {message}")
        return row

    def _find(self, message: MessageId) -> "Row | None":
        found = self._store.reader.execute(
            "SELECT m.id, m.customer, m.principal, m.category, m.code_number, m.door, m.state, m.position, "
            "m.subject, m.text_key, m.reported, m.sealed, coalesce(o.leased, 0) "
            "FROM message m LEFT JOIN outbox o ON o.message = m.id WHERE m.id = ?",
            (message,),
        ).fetchone()
        return None if found is None else Row(*found)

    def _body(self, row: "Row") -> Body:
        try:
            return open_body(self._store.key_for(row.subject), row.id, row.sealed)
        except SubjectErased as error:
            raise NoSuchMessage(f"the recipient of message {row.id} has been erased") from error


class Row(msgspec.Struct, frozen=True, gc=False):
    """A message as a second decision needs it."""

    id: MessageId
    customer: str
    principal: str
    category: str
    code_number: str
    door: str
    state: str
    position: int
    subject: str
    text_key: str
    reported: int
    sealed: bytes
    leased: int
