"""One SMPP connection without the connection: bytes in, events out; requests in, bytes out.

The session knows no socket and no clock. It never raises on what the peer sends.
"""

from struct import Struct as Layout
from typing import Final, Never

from msgspec import Struct, structs

from tideng.gateway.wire.smpp.codec import decode, encode, refusal
from tideng.gateway.wire.smpp.commands import (
    ANSWERED,
    BIND_RESPS,
    BINDS,
    RESPONSE_BIT,
    Command,
    command_name,
)
from tideng.gateway.wire.smpp.errors import OurMistake, PeerMistake, SessionClosed
from tideng.gateway.wire.smpp.pdus import Bind, Pdu, Unsupported
from tideng.gateway.wire.smpp.states import FAILED_BIND, NEXT, Role, State, state_diagram
from tideng.gateway.wire.smpp.statuses import Status
from tideng.gateway.wire.smpp.tlvs import CONTENT_TAGS, interface_version, tag_name
from tideng.gateway.wire.smpp.window import Waiting, Window

__all__ = ["Answer", "Event", "Mistake", "Role", "Session", "State", "Unmatched", "state_diagram"]

_LENGTH: Final = Layout(">I")
_read_length = _LENGTH.unpack_from
_FRAME_BYTES_MIN: Final = 16
_VERSION_WITH_TLVS: Final = 0x34
_UNCOUNTED: Final = BINDS | {Command.UNBIND, Command.ENQUIRE_LINK}


class Answer(Struct, frozen=True):
    """The peer's response to a request of ours, and the context that went with the request."""

    pdu: Pdu
    context: object


class Unmatched(Struct, frozen=True):
    """A response that no request waits for: late, repeated, or of the wrong kind. Never treat it as new."""

    pdu: Pdu


class Mistake(Struct, frozen=True):
    """The peer's mistake. Send `reply` (it may be empty), then end the connection where `close` says so.

    `reason` names sizes and commands only and may be logged.
    """

    reply: bytes
    reason: str
    close: bool


Event = Pdu | Answer | Unmatched | Mistake


class Session:
    """One side of one connection, as the table in `states` has it.

    `window` bounds our unanswered requests, `frame_bytes_max` the longest PDU taken, and so the bytes kept
    between two calls. `now` is any steadily growing number of seconds.
    """

    def __init__(
        self,
        role: Role,
        *,
        window: int = 100,
        frame_bytes_max: int = 70_000,
        first_sequence: int = 1,
    ) -> None:
        self.role = role
        self.frame_bytes_max = frame_bytes_max
        self.peer_takes_tlvs = False
        """The peer speaks 3.4 or later (§3.4). False until a bind has told; a silent peer takes none."""
        self.peer_version: int | None = None
        """The peer's interface_version, once it has told."""
        self.owed = 0
        """Requests of the peer that are not yet answered."""
        self.frames: list[bytes] = []
        """The raw PDU behind each event of the latest `receive_data`, in the same order."""
        self._window = Window(window, first=first_sequence)
        self._kept = bytearray()
        self._needed = 4
        self._bind_asked = 0
        self._enter(State.OPEN)

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def is_closed(self) -> bool:
        """Nothing more is taken or sent."""
        return self._state is State.CLOSED

    @property
    def window_free(self) -> int:
        """How many more requests may be sent before an answer must come."""
        return self._window.free

    @property
    def outstanding(self) -> int:
        """Our requests that await an answer, link management included."""
        return len(self._window)

    @property
    def oldest_request_at(self) -> float | None:
        """When the oldest unanswered request was sent: arm the response timer by it."""
        return self._window.oldest_at()

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """What the peer said, in order. Never raises on the peer's bytes; incomplete PDUs are kept.

        Costs O(len(data)) over the life of the stream, however it is sliced. After a `Mistake` with
        `close` the session is CLOSED and takes nothing more, because the stream cannot be resynchronised.
        """
        events: list[Event] = []
        self.frames = frames = []
        if self.is_closed:
            return events
        kept = self._kept
        if kept:
            kept += data
            if len(kept) < self._needed:
                return events
            data = bytes(kept)
            kept.clear()
        at = 0
        size = len(data)
        needed = 4
        while size - at >= 4:
            (length,) = _read_length(data, at)
            # Before the body is there: an absurd length must not make us wait for it, or buffer it.
            if not _FRAME_BYTES_MIN <= length <= self.frame_bytes_max:
                events.append(self._framing_lost(length))
                frames.append(b"")
                return events
            end = at + length
            if end > size:
                needed = length
                break
            frame = data[at:end]
            at = end
            events.append(self._take(frame))
            frames.append(frame)
            if self.is_closed:
                return events
        self._needed = needed
        if at < size:
            kept += memoryview(data)[at:]
        return events

    def request(self, pdu: Pdu, context: object, now: float) -> bytes:
        """The octets of a request of ours; its number is given here and its slot is taken.

        Raises OurMistake where the state forbids the command or a field is illegal, WindowFull where no
        slot is free; then nothing has changed. A peer older than 3.4 is sent no TLVs: informative ones
        are left out, those that carry content raise OurMistake.
        """
        command = pdu.command_id
        target = self._sends.get(command)
        if target is None:
            self._refuse_to_send(command)
        if pdu.tlvs and not self.peer_takes_tlvs:
            pdu = _without_tlvs(pdu)
        counted = command not in _UNCOUNTED
        answered = command in ANSWERED
        sequence = self._window.next_sequence(counted=counted and answered)
        octets = encode(pdu, sequence)
        self._window.open(sequence, Waiting(command, context, now, counted) if answered else None)
        if target is not self._state:
            if command in BINDS:
                self._bind_asked = command
            self._enter(target)
        return octets

    def respond(self, pdu: Pdu) -> bytes:
        """The octets of a response to a request of the peer.

        A bind response with status ROK binds, with any other it returns to OPEN; an unbind response closes.
        Raises OurMistake where that is not what was asked for, SessionClosed when it is over. TLVs are
        left out for a peer older than 3.4.
        """
        command = pdu.command_id
        if not command & RESPONSE_BIT:
            raise OurMistake(f"{command_name(command)} is not a response; use request()")
        if self._state is State.CLOSED:
            raise SessionClosed(f"the session is closed; {command_name(command)} cannot be sent")
        target: State | None = self._state
        if command in BIND_RESPS:
            if self._state is not State.BINDING or command != self._bind_asked | RESPONSE_BIT:
                self._refuse_to_send(command)
            target = self._sends.get(command) if pdu.status == Status.ESME_ROK else FAILED_BIND
        elif command == Command.UNBIND_RESP:
            target = self._sends.get(command)
        if target is None:
            self._refuse_to_send(command)
        if pdu.tlvs and not self.peer_takes_tlvs:
            pdu = structs.replace(pdu, tlvs=())
        octets = encode(pdu)
        if self.owed:
            self.owed -= 1
        if target is not self._state:
            self._enter(target)
        return octets

    def expired(self, now: float, response_timer_s: float) -> list[object]:
        """The contexts of requests unanswered for `response_timer_s` seconds or more; their slots are free.

        It means *unknown*, not failed: the peer may have taken the message. A late answer is `Unmatched`.
        """
        return [waiting.context for waiting in self._window.expired(now - response_timer_s)]

    def abandon(self) -> list[object]:
        """The connection is lost: the contexts of everything unanswered, and the session is CLOSED."""
        contexts = [waiting.context for waiting in self._window.abandon()]
        self.close()
        return contexts

    def close(self) -> None:
        """The connection is gone. What is unanswered stays until `abandon` asks for it."""
        self._kept.clear()
        self._enter(State.CLOSED)

    def _enter(self, state: State) -> None:
        self._state = state
        self._takes = NEXT[self.role][state]
        self._sends = NEXT[self.role.peer][state]

    def _refuse_to_send(self, command: int) -> Never:
        if self._state is State.CLOSED:
            raise SessionClosed(f"the session is closed; {command_name(command)} cannot be sent")
        raise OurMistake(
            f"{self.role.value} may not send {command_name(command)} in state {self._state.value}"
        )

    def _framing_lost(self, length: int) -> Mistake:
        # Sequence 0: the number may not be here yet, and the answer must not depend on the slicing.
        self.close()
        return Mistake(
            refusal(0, 0, Status.ESME_RINVCMDLEN),
            f"command_length is {length}; it must be {_FRAME_BYTES_MIN} to {self.frame_bytes_max}",
            close=True,
        )

    def _take(self, frame: bytes) -> Event:
        try:
            pdu = decode(frame)
        except PeerMistake as mistake:
            return Mistake(
                refusal(mistake.command_id, mistake.sequence, mistake.status), str(mistake), mistake.close
            )
        command = pdu.command_id
        if command & RESPONSE_BIT:
            return self._match(pdu)
        target = self._takes.get(command)
        if target is None:
            return self._wrong_state(pdu)
        if target is not self._state:
            if isinstance(pdu, Bind):
                self._bind_asked = command
                self._learn_version(pdu.interface_version)
            self._enter(target)
        if command in ANSWERED:
            self.owed += 1
        return pdu

    def _wrong_state(self, pdu: Pdu) -> Mistake:
        command = pdu.command_id
        name = command_name(command)
        if isinstance(pdu, Unsupported):
            status, reason = Status.ESME_RINVCMDID, f"{name} is SMPP 5.0 and not served"
        elif command in BINDS and self._state is not State.CLOSED and self._state is not State.UNBINDING:
            status, reason = Status.ESME_RALYBND, f"{name} in state {self._state.value}"
        else:
            status, reason = Status.ESME_RINVBNDSTS, f"{name} in state {self._state.value}"
        return Mistake(refusal(command, pdu.sequence, status), reason, close=False)

    def _match(self, pdu: Pdu) -> Answer | Unmatched:
        sequence = pdu.sequence
        waiting = self._window.peek(sequence)
        if waiting is None:
            return Unmatched(pdu)
        command = pdu.command_id
        asked = waiting.command_id
        if command != asked | RESPONSE_BIT and command != Command.GENERIC_NACK:
            return Unmatched(pdu)
        self._window.close(sequence)
        if asked in _UNCOUNTED:
            self._link_answered(asked, pdu)
        return Answer(pdu, waiting.context)

    def _link_answered(self, asked: int, pdu: Pdu) -> None:
        if asked == Command.UNBIND:
            self.close()  # whatever the answer says, the peer has let go
        elif asked in BINDS and self._state is State.BINDING:
            bound = pdu.status == Status.ESME_ROK and pdu.command_id != Command.GENERIC_NACK
            if bound:
                self._learn_version(interface_version(pdu.tlvs))
            self._enter(self._takes[pdu.command_id] if bound else FAILED_BIND)

    def _learn_version(self, version: int | None) -> None:
        self.peer_version = version
        self.peer_takes_tlvs = version is not None and version >= _VERSION_WITH_TLVS


def _without_tlvs(pdu: Pdu) -> Pdu:
    for tag, _ in pdu.tlvs:
        if tag in CONTENT_TAGS:
            raise OurMistake(f"the peer takes no TLVs; {tag_name(tag)} cannot be left out. Split by UDH")
    return structs.replace(pdu, tlvs=())
