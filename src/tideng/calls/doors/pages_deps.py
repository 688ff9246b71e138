"""What the calls console asks of the rest of the house."""

from collections.abc import Callable
from datetime import tzinfo
from importlib import resources
from typing import Final

from jinja2 import PackageLoader
from msgspec import Struct

from tideng.calls.cases import Visit, Visits
from tideng.calls.columns import LineCalls
from tideng.calls.losses import Assumptions
from tideng.calls.photos import Photos
from tideng.web.accounts import Role
from tideng.web.shell import MenuItem, Room, Shell

HOME: Final = "/calls"
PERSONAL: Final[tuple[Role, ...]] = ("reviewer", "auditor")
"""Who may see numbers, masked or, once recorded, whole. Running the system takes neither (PIPL art. 6)."""
DECIDES: Final[tuple[Role, ...]] = ("reviewer",)

Judge = Callable[[Visit, bool, str, str], Visit]
"""What the visit found about a case (confirmed or not), by whom, with a note. Durable when it returns; may
block."""


class CallPagesDeps(Struct, frozen=True, kw_only=True):
    """Everything the calls console is connected to. What is called here may block: pages use a thread."""

    shell: Shell
    visits: Visits
    judge: Judge
    report: Callable[[str, str, str], bool]
    """Records that a line (as written) called with a scam at a moment (as written; empty: now), by whom;
    False if it was known. Raises `ReportInvalid`."""
    photos: Photos
    attach: Callable[[Visit, bytes, str, str], bool]
    """Records and keeps a photograph of a case: its octets, what it shows, by whom; False if the case had it.
    Raises `PhotoInvalid`."""
    calls_of: Callable[[str], LineCalls]
    """What a line placed, by the records there are."""
    paper: Callable[[Visit], bytes]
    """The visiting officer's PDF."""
    assumed: Assumptions
    """What the expected loss avoided is reckoned with."""
    zone: tzinfo


def calls_room() -> Room:
    """The calls console's templates, words and menu, for the `Shell`."""
    return Room(
        "calls",
        PackageLoader("tideng.calls.doors", "templates/calls"),
        resources.files("tideng.calls.doors") / "phrases",
        (
            MenuItem(HOME, "calls_menu.alarms"),
            MenuItem(f"{HOME}/report", "calls_menu.report", DECIDES),
            MenuItem(f"{HOME}/help", "calls_menu.help"),
        ),
    )
