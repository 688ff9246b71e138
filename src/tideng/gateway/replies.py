"""One reply, whole and understood, and everything that is recorded of it."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from tideng.evidence.commitment import KEY_BYTES, commit
from tideng.evidence.entries import encode_entry
from tideng.gateway.entries import InboundEntry
from tideng.gateway.ids import MessageIds
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.parts import Whole
from tideng.gateway.registry.store import record_opt_outs_in
from tideng.gateway.registry.values import OptOut
from tideng.gateway.store.bodies import Reply, seal_reply
from tideng.gateway.store.conversations import Conversation, KeptReply, keep_replies
from tideng.gateway.store.decisions import append, write_life
from tideng.gateway.store.mailbox import NewMail, put_mail
from tideng.gateway.store.store import Store

EVERYONE: Final = "*"
"""The principal of an opt-out that concerns all."""
_NONCE_OCTETS: Final = 12
_NOT_YET: Final = -1
ENTROPY_OCTETS: Final = 3 * KEY_BYTES + _NONCE_OCTETS
"""What recording one reply uses up: openings for sender, text and octets, and a nonce."""


class WholeReply(Struct, frozen=True, kw_only=True, gc=False):
    """One reply, all its parts joined."""

    carrier: str
    sender: str
    """As the carrier wrote it."""
    destination: str
    text: str
    """What could not be read is said in brackets; the octets are sealed beside it."""
    received_at: Micros
    raw: bytes
    ack: Callable[[bool], None]
    whole: Whole | None = None
    """The parts to drop once it is recorded."""


class Understood(Struct, frozen=True, gc=False):
    """A reply, and what it means for whom."""

    reply: WholeReply
    number: str
    subject: str
    meaning: str
    """reply, opt_out or opt_out_all."""
    talk: Conversation | None
    """The message it answers, as far as one can tell."""
    customer: str
    """Who is told; empty when it is nobody's."""
    principal: str
    code_number: str

    @property
    def stopped(self) -> str:
        """The principal whose messages it stops, `EVERYONE`, or empty."""
        if self.meaning == "reply":
            return ""
        return self.principal if self.meaning == "opt_out" and self.principal else EVERYONE


class Records(Struct, frozen=True, gc=False):
    """What one batch of replies leaves behind, committed together or not at all."""

    at: Micros
    entries: tuple[bytes, ...]
    kept: tuple[KeptReply, ...]
    """Their positions are known once the entries are appended."""
    answered: tuple[MessageId, ...]
    """For each reply the message it answers, 0 where none is known."""
    opt_outs: tuple[OptOut, ...]
    mail: tuple[NewMail, ...]

    def write(self, conn: sqlite3.Connection, store: Store) -> list[OptOut]:
        """Inside one job; the opt-outs that are new."""
        positions = append(conn, store.ledger, self.entries)
        new: list[OptOut] = []
        if self.opt_outs:
            new = record_opt_outs_in(conn, store.ledger, self.opt_outs, at=self.at, by="inbound")
        at = [position.index for position in positions]
        placed = zip(self.kept, at, strict=True)
        keep_replies(conn, [structs.replace(kept, position=index) for kept, index in placed])
        lives = [(message, index) for message, index in zip(self.answered, at, strict=True) if message]
        write_life(conn, lives)
        put_mail(conn, self.mail)
        return new


def records_of(
    understood: Sequence[Understood],
    keys: Mapping[str, bytes],
    ids: MessageIds,
    entropy: Callable[[int], bytes],
    now: Micros,
) -> Records:
    """Everything to record of these; `keys` seal what is personal, per subject."""
    entries: list[bytes] = []
    kept: list[KeptReply] = []
    mail: list[NewMail] = []
    for one in understood:
        octets = entropy(ENTROPY_OCTETS)
        reply = Reply(
            sender=one.number,
            text=one.reply.text,
            opening_sender=octets[:KEY_BYTES],
            opening_text=octets[KEY_BYTES : 2 * KEY_BYTES],
            opening_raw=octets[2 * KEY_BYTES : 3 * KEY_BYTES],
            raw=one.reply.raw,
        )
        entries.append(encode_entry(_entry(one, reply, now)))
        sealed = seal_reply(keys[one.subject], one.subject, reply, octets[3 * KEY_BYTES :])
        number = ids.next()
        kept.append(_kept(number, one, sealed, now))
        if one.customer:
            mail.append(_letter(number, one, sealed, now))
    opt_outs = tuple(
        OptOut(principal=one.stopped, recipient=one.subject, at=now, source="inbound")
        for one in understood
        if one.stopped
    )
    answered = tuple(one.talk.message if one.talk else 0 for one in understood)
    return Records(now, tuple(entries), tuple(kept), answered, opt_outs, tuple(mail))


def _entry(one: Understood, reply: Reply, now: Micros) -> InboundEntry:
    return InboundEntry(
        at=now,
        carrier=one.reply.carrier,
        code_number=one.code_number,
        meaning=one.meaning,
        principal=one.principal,
        raw=commit(reply.opening_raw, reply.raw.hex()),
        received_at=one.reply.received_at,
        sender=commit(reply.opening_sender, reply.sender),
        text=commit(reply.opening_text, reply.text),
    )


def _kept(number: int, one: Understood, sealed: bytes, now: Micros) -> KeptReply:
    return KeptReply(
        id=number,
        customer=one.customer,
        principal=one.principal,
        code_number=one.code_number,
        meaning=one.meaning,
        position=_NOT_YET,
        subject=one.subject,
        received_at=now,
        sealed=sealed,
    )


def _letter(number: int, one: Understood, sealed: bytes, now: Micros) -> NewMail:
    return NewMail(
        id=number,
        customer=one.customer,
        kind="inbound",
        message=one.talk.message if one.talk else 0,
        state=one.meaning,
        at=now,
        subject=one.subject,
        sealed=sealed,
    )
