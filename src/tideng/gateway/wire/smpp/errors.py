"""Whose mistake a disagreement about the protocol was, and what to do about it."""


class WireError(Exception):
    """We and the peer disagree about the protocol."""


class OurMistake(WireError):
    """We tried to send what the protocol or the state forbids. A bug: never answered, always reported.

    The message names field and limit, never a field's content.
    """


class WindowFull(OurMistake):
    """Every slot of the window is taken. Wait for an answer (`Session.window_free`), then ask again."""


class SessionClosed(OurMistake):
    """The session is over; nothing can be sent on it. The peer may simply have been faster."""


class PeerMistake(WireError):
    """The peer sent what it may not.

    `status` is what to answer, to the request `command_id` with number `sequence`. `close` says that
    the stream cannot be resynchronised, so the connection must end after the answer.
    The message never quotes what the peer sent, only sizes and names; it may be logged.
    """

    def __init__(
        self, message: str, *, status: int, command_id: int = 0, sequence: int = 0, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.command_id = command_id
        self.sequence = sequence
        self.close = close
