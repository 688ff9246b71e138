"""Connects the evidence with the gateway that makes most of its entries."""

import platform
import sqlite3
import ssl
from contextlib import closing
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from tideng import __version__
from tideng.evidence import landmarks
from tideng.evidence.clock_state import clock_state
from tideng.evidence.indexer import Indexer
from tideng.evidence.issuing import Issuer
from tideng.evidence.keys import signing_key
from tideng.evidence.landmarks import ClockStateEntry, EnvironmentEntry
from tideng.evidence.publishing import Publisher
from tideng.evidence.stored import StoredLedger
from tideng.evidence.timestamping import Timestamper, ask_over_http
from tideng.evidence.trust_policy import PolicyInvalid, TrustPolicy, parse_policy
from tideng.gateway.store.case import GatewayCase
from tideng.gateway.store.concerned import GatewayConcerned
from tideng.gateway.store.store import Store
from tideng.settings import Loaded, Settings, SettingsInvalid
from tideng.storage.health import health

HEALTH_BYTES_MAX: Final = 500_000_000
"""A larger database takes too long to check for one bundle; `tideng doctor` does it apart."""
_encode: Final = msgspec.json.Encoder(order="sorted").encode
LIBRARIES: Final = (
    f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}"
)


def make_indexer(store: Store, settings: Settings) -> Indexer:
    """The completeness index over the gateway's ledger."""
    return Indexer(
        store.writer,
        store.ledger,
        GatewayConcerned(store),
        store.names,
        entries_max=settings.evidence.index_entries_max,
    )


def make_issuer(store: Store, settings: Settings, *, with_pdf: bool) -> Issuer:
    """Whoever hands over bundles of the gateway's ledger."""
    return Issuer(
        store.writer,
        store.ledger,
        signing_key(Path(settings.data) / "ledger.key"),
        store.names,
        make_indexer(store, settings),
        GatewayCase(store),
        witnesses=witness_policy(settings),
        roots=timestamp_roots(settings) if settings.evidence.timestamp_roots else b"",
        with_pdf=with_pdf,
    )


def make_publisher(store: Store, settings: Settings) -> Publisher:
    """Whoever has checkpoints noted and witnessed before they are shown."""
    return Publisher(store.writer, store.ledger, store.seen, witness_policy(settings))


def make_timestamper(store: Store, settings: Settings) -> Timestamper | None:
    """Whoever has checkpoints stamped; None when no authority is configured. Raises `SettingsInvalid`."""
    if not settings.evidence.timestamp_url:
        return None
    ask = ask_over_http(settings.evidence.timestamp_url)
    return Timestamper(store.writer, store.ledger, ask, timestamp_roots(settings))


def check_settings(settings: Settings) -> None:
    """Raises `SettingsInvalid` if a file the evidence needs cannot be used; before anything is opened."""
    witness_policy(settings)
    if settings.evidence.timestamp_url:
        timestamp_roots(settings)


def timestamp_roots(settings: Settings) -> bytes:
    """The configured authority's root certificates. Raises `SettingsInvalid`."""
    evidence = settings.evidence
    try:
        return Path(evidence.timestamp_roots).read_bytes()
    except OSError as error:
        raise SettingsInvalid(
            f"evidence.timestamp_roots is {evidence.timestamp_roots!r}, which cannot be read; name the PEM "
            f"file with the root certificates of {evidence.timestamp_url or 'the time-stamping authority'}"
        ) from error


def witness_policy(settings: Settings) -> TrustPolicy | None:
    """The configured witnesses; None when there are none. Raises `SettingsInvalid`."""
    name = settings.evidence.witness_policy
    if not name:
        return None
    try:
        return parse_policy(Path(name).read_bytes())
    except (OSError, PolicyInvalid) as error:
        raise SettingsInvalid(f"evidence.witness_policy is {name!r}: {error}") from error


def environment_entry(store: Store, loaded: Loaded, policy: str) -> EnvironmentEntry:
    """What runs since now."""
    return EnvironmentEntry(
        at=store.ledger.now(),
        libraries=LIBRARIES,
        policy=policy,
        settings=settings_hash(loaded),
        software=f"tideng {__version__}",
        source=source_hash(),
    )


def record_environment(store: Store, loaded: Loaded, policy: str) -> int:
    """Append what runs since now; its position."""
    entry = environment_entry(store, loaded, policy)
    return store.writer.call(lambda conn: landmarks.record_in(conn, store.ledger, entry))


def record_clock_state(store: Store) -> int:
    """Append how far the machine's clock could be off; its position."""
    state = clock_state()
    entry = ClockStateEntry(
        at=store.ledger.now(), is_synchronised=state.is_synchronised, max_error_us=state.max_error_us
    )
    return store.writer.call(lambda conn: landmarks.record_in(conn, store.ledger, entry))


def environment_record(store: Store, loaded: Loaded) -> bytes:
    """How the machine and the ledger fared (证据规定 art. 93), as canonical JSON."""
    with closing(store.writer.reader()) as conn:
        last = StoredLedger(conn).last_checkpoint()
        [checkpoints, longest] = conn.execute(
            "SELECT count(*), coalesce(max(gap), 0) FROM "
            "(SELECT at - lag(at) OVER (ORDER BY size) AS gap FROM checkpoint)"
        ).fetchone()
        starts = landmarks.positions(conn, "environment/1")
    checked = store.writer.path.stat().st_size <= HEALTH_BYTES_MAX
    hazards = [
        {"code": hazard.code, "severity": hazard.severity, "seen": hazard.seen}
        for hazard in (health(store.writer.path) if checked else ())
    ]
    return bytes(
        _encode(
            {
                "software": f"tideng {__version__}",
                "source": source_hash(),
                "libraries": LIBRARIES,
                "settings": settings_hash(loaded),
                "ledger_entries": store.ledger.size,
                "checkpoints": checkpoints,
                "longest_gap_between_checkpoints_us": longest,
                "last_checkpoint_size": last.size if last else 0,
                "starts": starts,
                "database_checked": checked,
                "hazards": hazards,
            }
        )
    )


def settings_hash(loaded: Loaded) -> str:
    """SHA-256 over every setting in force; secrets are left out as `tideng settings` leaves them out."""
    rows = [(row.key, row.value) for row in loaded.rows()]
    return sha256(_encode(rows)).hexdigest()


@cache
def source_hash() -> str:
    """SHA-256 over the program's own modules, names and contents, in order."""
    root = resources.files("tideng")
    found = sha256()
    if isinstance(root, Path):
        for path in sorted(root.rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + b"\n" + path.read_bytes())
    return found.hexdigest()
