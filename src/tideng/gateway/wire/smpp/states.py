"""The states of an SMPP session as a table (SMPP 3.4 §2.2, §2.3), and the diagram drawn from it."""

from enum import Enum
from typing import Final

from tideng.gateway.wire.smpp.commands import Command, command_name


class Role(Enum):
    """Which side of a connection we are: the message centre or the client (ESME)."""

    SERVER = "server"
    CLIENT = "client"

    @property
    def peer(self) -> "Role":
        """The other side."""
        return Role.CLIENT if self is Role.SERVER else Role.SERVER


class State(Enum):
    """Where a session stands. BINDING: a bind was asked for and not yet answered."""

    OPEN = "open"
    OUTBOUND = "outbound"
    BINDING = "binding"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBINDING = "unbinding"
    CLOSED = "closed"

    @property
    def is_bound(self) -> bool:
        """Messages may flow in at least one direction."""
        return self in _BOUND


_BOUND: Final = frozenset({State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX})

_C = Command
_BIND: Final[dict[int, State]] = {
    _C.BIND_TRANSMITTER: State.BINDING,
    _C.BIND_RECEIVER: State.BINDING,
    _C.BIND_TRANSCEIVER: State.BINDING,
}
# generic_nack is an answer and is matched by its number; enquire_link is taken in any state (5.0 §2.4).
_ALWAYS: Final = (_C.ENQUIRE_LINK,)
_TRANSMIT: Final = (_C.SUBMIT_SM, _C.SUBMIT_MULTI, _C.DATA_SM, _C.QUERY_SM, _C.CANCEL_SM, _C.REPLACE_SM)
_RECEIVE: Final = (_C.DELIVER_SM, _C.DATA_SM, _C.ALERT_NOTIFICATION)


def _stay(state: State, *groups: tuple[Command, ...]) -> dict[int, State]:
    return {int(command): state for group in groups for command in group}


def _leave(state: State, *groups: tuple[Command, ...]) -> dict[int, State]:
    return {**_stay(state, *groups), _C.UNBIND: State.UNBINDING}


# What a session in this role takes from its peer. What it may send is what the peer's row takes.
# Responses stand here only where they move the state; the others are legal while their request waits.
NEXT: Final[dict[Role, dict[State, dict[int, State]]]] = {
    Role.SERVER: {
        State.OPEN: {**_stay(State.OPEN, _ALWAYS), **_BIND},
        State.OUTBOUND: {**_stay(State.OUTBOUND, _ALWAYS), **_BIND},
        State.BINDING: _stay(State.BINDING, _ALWAYS),
        State.BOUND_TX: _leave(State.BOUND_TX, _ALWAYS, _TRANSMIT),
        State.BOUND_RX: _leave(State.BOUND_RX, _ALWAYS),
        State.BOUND_TRX: _leave(State.BOUND_TRX, _ALWAYS, _TRANSMIT),
        State.UNBINDING: {**_leave(State.UNBINDING, _ALWAYS), _C.UNBIND_RESP: State.CLOSED},
        State.CLOSED: {},
    },
    Role.CLIENT: {
        State.OPEN: {**_stay(State.OPEN, _ALWAYS), _C.OUTBIND: State.OUTBOUND},
        State.OUTBOUND: _stay(State.OUTBOUND, _ALWAYS),
        State.BINDING: {
            **_stay(State.BINDING, _ALWAYS),
            _C.BIND_TRANSMITTER_RESP: State.BOUND_TX,
            _C.BIND_RECEIVER_RESP: State.BOUND_RX,
            _C.BIND_TRANSCEIVER_RESP: State.BOUND_TRX,
        },
        State.BOUND_TX: _leave(State.BOUND_TX, _ALWAYS),
        State.BOUND_RX: _leave(State.BOUND_RX, _ALWAYS, _RECEIVE),
        State.BOUND_TRX: _leave(State.BOUND_TRX, _ALWAYS, _RECEIVE),
        State.UNBINDING: {**_leave(State.UNBINDING, _ALWAYS), _C.UNBIND_RESP: State.CLOSED},
        State.CLOSED: {},
    },
}

FAILED_BIND: Final = State.OPEN
"""Where a bind_resp with any status but ROK leads."""


def state_diagram() -> str:
    """The table as a Mermaid state diagram, for the documents. The sender stands before each command."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for role in Role:
        for state, row in NEXT[role].items():
            for command, target in row.items():
                label = f"{role.peer.value}: {command_name(command)}"
                arrows.setdefault((state, target), []).append(label)
    arrows[State.BINDING, FAILED_BIND] = ["server: bind response, status not ROK"]
    lines = ["stateDiagram-v2", f"    [*] --> {State.OPEN.value}"]
    lines += [
        f"    {state.value} --> {target.value}: {'<br/>'.join(labels)}"
        for (state, target), labels in arrows.items()
    ]
    lines.append(f"    {State.CLOSED.value} --> [*]")
    return "\n".join(lines) + "\n"
