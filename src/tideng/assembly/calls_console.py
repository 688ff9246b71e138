"""The calls console connected: pages of the calls product, accounts and sessions, cases, records, ledger."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from litestar import Litestar

from tideng.assembly.calls import VISITS, judge, take_photo, take_report
from tideng.assembly.door import recorder
from tideng.calls import losses
from tideng.calls.cases import SqliteVisits, Visit
from tideng.calls.doors.pages import calls_router
from tideng.calls.doors.pages_deps import HOME, CallPagesDeps, calls_room
from tideng.calls.doors.pages_views import zone_s_at
from tideng.calls.importing import calls_of
from tideng.calls.photos import FILE as PHOTOS
from tideng.calls.photos import SqlitePhotos
from tideng.calls.reports import FILE as REPORTS
from tideng.calls.reports import ReportStore, report_of
from tideng.calls.visit import paper
from tideng.gateway.settings import HttpDoorSettings
from tideng.gateway.store.store import Store
from tideng.web.accounts import Accounts
from tideng.web.app import make_app
from tideng.web.attempts import Attempts
from tideng.web.sessions import Sessions
from tideng.web.shell import Shell


@contextmanager
def calls_app(store: Store, folder: Path, settings: HttpDoorSettings) -> Iterator[Litestar]:
    """The console over a folder of imported records and their cases, while the context lasts.

    `settings`: how long sessions last and whether cookies need https. Enter it on the event loop's thread.
    Raises `LossesInvalid`.
    """
    assumed = losses.read(folder / losses.FILE)
    folder.mkdir(parents=True, exist_ok=True)
    visits = SqliteVisits(folder / VISITS)
    reports = ReportStore(folder / REPORTS)
    photos = SqlitePhotos(folder / PHOTOS)
    sessions = Sessions(store.writer, now=store.now, entropy=store.entropy, hours=settings.session_hours)
    try:
        shell = Shell(
            Accounts(store.writer, now=store.now),
            sessions,
            Attempts(settings.sign_in_failures, settings.sign_in_pause_s, clock=time.monotonic),
            recorder(store),
            [calls_room()],
            home=HOME,
            secure=settings.secure_cookies,
        )

        def say(visit: Visit, confirmed: bool, by: str, note: str) -> Visit:
            return judge(visits, store.ledger, visit, confirmed=confirmed, by=by, note=note)

        def report(line: str, at: str, by: str) -> bool:
            told = report_of(line, at, by=by, zone=store.time_zone, now_s=store.now() // 1_000_000)
            return take_report(reports, store.ledger, told, store.entropy)

        def attach(visit: Visit, octets: bytes, what: str, by: str) -> bool:
            return take_photo(photos, store.ledger, visit, octets, what=what, by=by)[1]

        def printed(visit: Visit) -> bytes:
            at = datetime.fromtimestamp(store.now() // 1_000_000, UTC)
            return paper(visit, at=at, zone_s=zone_s_at(visit.alarm_at, store.time_zone))

        deps = CallPagesDeps(
            shell=shell,
            visits=visits,
            judge=say,
            report=report,
            photos=photos,
            attach=attach,
            calls_of=lambda line: calls_of(folder, line),
            paper=printed,
            assumed=assumed,
            zone=store.time_zone,
        )
        yield make_app([calls_router(deps)], shell, is_page=lambda _: True)
    finally:
        sessions.close()
        photos.shut()
        reports.shut()
        visits.shut()
