"""What the console asks of the gateway."""

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Final, Literal, Protocol

from jinja2 import PackageLoader
from msgspec import Struct

from tideng.gateway.intake import Outcome
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.registry.snapshot import Snapshot
from tideng.gateway.registry.store import Version
from tideng.gateway.store.store import Store
from tideng.web.accounts import Role
from tideng.web.shell import MenuItem, Room, Shell

HOME: Final = "/console"
PERSONAL: Final[tuple[Role, ...]] = ("reviewer", "auditor")
"""Who may read texts and numbers. Running the gateway takes neither (PIPL art. 6: the least that will do)."""
DECIDES: Final[tuple[Role, ...]] = ("reviewer",)


class Decides(Protocol):
    """The second look at held messages."""

    async def decide(
        self, message: MessageId, action: Literal["send", "refuse"], account: str, reason: str
    ) -> Outcome:
        """Durable when it returns. Raises `NoSuchMessage`, `NotYours`, `StateChanged`, ValueError."""
        ...


class Registers(Protocol):
    """The registry, for reading."""

    @property
    def snapshot(self) -> Snapshot: ...

    def history(self, kind: str, object_id: str) -> list[Version]:
        """Every version, oldest first."""
        ...


class CarrierLine(Struct, frozen=True, kw_only=True):
    """One carrier as it is now."""

    id: str
    links_bound: int
    links: int
    unanswered: int
    """Submits the carrier has not answered yet."""
    window: int
    """How many there may be, over all bound links."""
    rate_per_s: float
    """Segments per second we allow ourselves now; 0: no limit."""
    last_error: str = ""
    """Empty when there was none."""


class DoorLine(Struct, frozen=True, kw_only=True):
    """One door as it is now."""

    name: str
    """smpp, http …"""
    address: str
    connections: int


class SettingLine(Protocol):
    """One setting in force."""

    @property
    def key(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def description(self) -> str: ...


class CodeMeaning(Struct, frozen=True, kw_only=True):
    """One finding code in the words of one language."""

    code: str
    family: str
    seen: str
    why: str
    next_step: str


class PagesDeps(Struct, frozen=True, kw_only=True):
    """Everything the console is connected to."""

    shell: Shell
    store: Store
    registry: Registers
    second_look: Decides
    meanings: Callable[[str], Mapping[str, CodeMeaning]]
    """Language (zh-CN, en) to finding code to meaning, in the order of the help page."""
    carriers: Callable[[], Sequence[CarrierLine]]
    doors: Callable[[], Sequence[DoorLine]]
    settings: Callable[[], Sequence[SettingLine]]
    now: Callable[[], Micros]


def console_room() -> Room:
    """The console's templates, words and menu, for the `Shell`."""
    return Room(
        "console",
        PackageLoader("tideng.gateway.doors", "templates/console"),
        resources.files("tideng.gateway.doors") / "phrases",
        (
            MenuItem(HOME, "menu.today"),
            MenuItem(f"{HOME}/messages", "menu.messages"),
            MenuItem(f"{HOME}/held", "menu.held"),
            MenuItem(f"{HOME}/registry", "menu.registry"),
            MenuItem(f"{HOME}/settings", "menu.settings"),
            MenuItem(f"{HOME}/help", "menu.help"),
        ),
    )
