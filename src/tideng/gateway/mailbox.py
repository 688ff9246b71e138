"""Mailboxes: reports and replies wait for their customer, on disk, until the customer says "got it"."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import structlog
from msgspec import Struct

from tideng.evidence.subjects import SubjectErased
from tideng.gateway.ids import time_of
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.pump import Pump
from tideng.gateway.settings import ReportSettings
from tideng.gateway.store.bodies import open_body, open_reply
from tideng.gateway.store.mailbox import NewMail, customers_with_mail, drop_old_mail, mail_after, take_mail
from tideng.gateway.store.store import Store

_log = structlog.get_logger()
PAGE: Final = 500
_DAY_US: Final = 86_400_000_000


class Letter(Struct, frozen=True, kw_only=True, gc=False):
    """One thing to tell a customer: what became of a message, or what a recipient wrote back."""

    id: int
    customer: str
    kind: str
    """report or inbound."""
    message: MessageId
    state: str = ""
    """Of a report: held, delivered, failed, expired, refused, unknown. Of a reply: its meaning."""
    error: str = ""
    at: Micros
    submitted_at: Micros = 0
    part_ids: tuple[MessageId, ...] = ()
    """Ids the customer was given for parts it cut itself, besides `message`, or with it."""
    code_number: str = ""
    number: str = ""
    """The recipient's number, E.164 digits."""
    text: str = ""
    """Of a reply: what was written. Of a report: empty."""
    reference: str = ""

    @property
    def is_final(self) -> bool:
        return self.kind == "report" and self.state not in ("held", "sent")


class Sink(Protocol):
    """A way to one customer: a bound session, or a webhook."""

    @property
    def room(self) -> int:
        """How many letters it can take now."""
        ...

    def push(self, letter: Letter, done: Callable[[bool], None]) -> None:
        """Bring it over; `done(True)` once the customer has acknowledged it, else `done(False)`."""
        ...


class _Box:
    def __init__(self) -> None:
        self.letters: deque[Letter] = deque()
        self.under_way: set[int] = set()
        self.sinks: list[Sink] = []
        self.more_on_disk = True
        self.read_up_to = 0
        self.turn = 0


class Mailbox:
    """Brings letters to whichever of the customer's sinks has room; at least once, in order where it can.

    A letter comes back to the front when its sink fails, and is offered again at the next `tick` or
    when a sink is attached.
    """

    def __init__(self, store: Store, settings: ReportSettings) -> None:
        self._store = store
        self._settings = settings
        self._boxes: dict[str, _Box] = {}
        self._taken: Pump[int] = Pump(
            "mailbox",
            self._take,
            self._take_failed,
            waiting_max=1_000_000,
            batch_max=2_000,
        )
        self._leaving: set[int] = set()
        self._flush_asked: set[str] = set()

    def start(self) -> None:
        for customer in customers_with_mail(self._store.reader):
            self._box(customer)
        self._taken.start()

    async def close(self) -> None:
        await self._taken.close()

    def attach(self, customer: str, sink: Sink) -> None:
        """Bring this customer's letters here too, from now until `detach`."""
        self._box(customer).sinks.append(sink)
        self.flush(customer)

    def detach(self, customer: str, sink: Sink) -> None:
        """The sink is gone; it has called `done(False)` for what it had not delivered."""
        box = self._boxes.get(customer)
        if box is not None and sink in box.sinks:
            box.sinks.remove(sink)

    def arrived(self, mail: Sequence[NewMail]) -> None:
        """These are committed. They are read from disk, a page at a time, when a sink has room."""
        for item in mail:
            self._box(item.customer).more_on_disk = True
            self._flush_soon(item.customer)

    def flush(self, customer: str) -> None:
        """Hand over whatever fits."""
        box = self._box(customer)
        while box.sinks:
            if not box.letters:
                if not box.more_on_disk or not self._load(customer, box):
                    return
                continue
            sink = self._next_sink(box)
            if sink is None:
                return
            letter = box.letters.popleft()
            box.under_way.add(letter.id)
            sink.push(letter, partial(self._done, letter))

    def tick(self) -> None:
        """Once a second: offer again what came back, and look for letters committed out of order."""
        for customer, box in self._boxes.items():
            if box.sinks:
                box.read_up_to = 0
                box.more_on_disk = True
                self._flush_soon(customer)

    async def drop_old(self) -> int:
        """Forget letters nobody fetched within `keep_days`; what happened stays in the ledger."""
        before = self._store.now() - int(self._settings.keep_days * _DAY_US)
        dropped = await self._store.run(lambda conn: drop_old_mail(conn, before))
        if dropped:
            _log.warning("mail_dropped", letters=dropped, days=self._settings.keep_days)
        return dropped

    def _box(self, customer: str) -> _Box:
        return self._boxes.setdefault(customer, _Box())

    def _flush_soon(self, customer: str) -> None:
        if not self._flush_asked:
            asyncio.get_running_loop().call_soon(self._flush_all)
        self._flush_asked.add(customer)

    def _flush_all(self) -> None:
        asked, self._flush_asked = self._flush_asked, set()
        for customer in asked:
            self.flush(customer)

    @staticmethod
    def _next_sink(box: _Box) -> Sink | None:
        for _ in box.sinks:
            box.turn = (box.turn + 1) % len(box.sinks)
            if box.sinks[box.turn].room > 0:
                return box.sinks[box.turn]
        return None

    def _done(self, letter: Letter, ok: bool) -> None:
        box = self._box(letter.customer)
        box.under_way.discard(letter.id)
        if ok:
            self._leaving.add(letter.id)
            self._taken.put(letter.id)
            if box.letters or box.more_on_disk:
                self._flush_soon(letter.customer)
        else:
            box.letters.appendleft(letter)

    async def _take(self, ids: list[int]) -> None:
        await self._store.run(lambda conn: take_mail(conn, ids))
        self._leaving.difference_update(ids)

    def _take_failed(self, ids: list[int], error: Exception) -> None:
        # They stay on disk and will be told again: at least once.
        self._leaving.difference_update(ids)
        _log.warning("mail_not_taken", letters=len(ids), error=type(error).__name__)

    def _load(self, customer: str, box: _Box) -> bool:
        """Read the next page from disk; False when there is nothing new."""
        busy = box.under_way | self._leaving | {letter.id for letter in box.letters}
        fresh: list[Letter] = []
        while not fresh and box.more_on_disk:
            rows = mail_after(self._store.reader, customer, box.read_up_to, PAGE)
            fresh = [self.letter(*row) for row in rows if row[0].id not in busy]
            box.more_on_disk = len(rows) == PAGE
            if rows:
                box.read_up_to = rows[-1][0].id
        box.letters.extend(fresh)
        return bool(fresh)

    def letter(self, mail: NewMail, sealed_body: bytes, subject: str, code_number: str) -> Letter:
        """A letter as its customer reads it. What was erased is left empty."""
        number, text, reference = "", "", ""
        part_ids: tuple[MessageId, ...] = ()
        try:
            if mail.sealed:
                reply = open_reply(self._store.key_for(mail.subject), mail.subject, mail.sealed)
                number, text = reply.sender, reply.text
            elif sealed_body:
                body = open_body(self._store.key_for(subject), mail.message, sealed_body)
                number, part_ids, reference = body.recipient or body.given, body.part_ids, body.reference
        except SubjectErased:
            _log.info("mail_about_an_erased_subject", letter=mail.id)
        return Letter(
            id=mail.id,
            customer=mail.customer,
            kind=mail.kind,
            message=mail.message,
            state=mail.state,
            error=mail.error,
            at=mail.at,
            submitted_at=time_of(mail.message) if mail.message else 0,
            part_ids=part_ids,
            code_number=code_number,
            number=number,
            text=text,
            reference=reference,
        )
