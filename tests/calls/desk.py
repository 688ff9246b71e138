"""A calls console over cases that were put there, for tests of what is attached to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pages.house import PASSWORD
from tideng.assembly import open_embedded
from tideng.calls.cases import SqliteVisits, Visit
from tideng.calls.photos import SqlitePhotos
from tideng.cli.calls_console import beside
from tideng.evidence.entries import decode_entry
from tideng.gateway.settings import HttpDoorSettings
from tideng.gateway.store.store import Store
from tideng.settings import Settings
from tideng.web.accounts import Accounts

CASES = [f"c0ffee{number:02d}" + "0" * 24 for number in range(60)]


class Desk:
    """A running console, what it stands on, and a case nobody has touched."""

    def __init__(self, store: Store, folder: Path, address: str) -> None:
        self.store, self.folder, self.address = store, folder, address
        self.fresh = iter(CASES)

    def entries(self, kind: str, **wanted: object) -> list[dict[str, Any]]:
        ledger = self.store.ledger
        found = [decode_entry(ledger.leaf(index)) for index in range(ledger.size)]
        return [one for one in found if one["kind"] == kind and one.items() >= wanted.items()]

    def kept(self, case: str) -> list[tuple[str, str, str]]:
        photos = SqlitePhotos(self.folder / "photos.db")
        try:
            return [(photo.id, photo.what, photo.by) for photo in photos.of_case(case)]
        finally:
            photos.shut()


@contextmanager
def open_desk(data: Path) -> Iterator[Desk]:
    """With a reviewer (mei), an auditor (lan) and an operator (ops)."""
    store = open_embedded(Settings(data=str(data)))
    accounts = Accounts(store.writer, now=store.now)
    for name, role in (("mei", "reviewer"), ("lan", "auditor"), ("ops", "operator")):
        accounts.add(name, PASSWORD, [role])
    folder = data / "calls"
    folder.mkdir()
    visits = SqliteVisits(folder / "visits.db")
    for number, id in enumerate(CASES):
        visits.open(
            Visit(
                id=id,
                line="862155500000",
                opened_at=1_770_000_000_000_000,
                tier="suspend",
                calls_placed=9,
                first_call_at=1_770_000_000,
                alarm_at=1_770_000_600 + number,
                score=5.0,
                threshold=4.0,
                reasons=(("rhythm", 5.0),),
            )
        )
    visits.shut()
    try:
        with beside(store, folder, HttpDoorSettings(), "127.0.0.1:0") as (host, port):
            yield Desk(store, folder, f"http://{host}:{port}")
    finally:
        store.close()
