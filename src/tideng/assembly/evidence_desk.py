"""The desk for people's questions about the evidence: bundles, cases, a person's data, retention.

The same for the command line, which has the data to itself, and for the HTTP API of a gateway that runs.
Everything blocks: on the event loop, give it a thread.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from importlib import resources
from typing import Any

from tideng.assembly.evidence import environment_record, make_indexer, make_issuer, make_publisher
from tideng.evidence import cases
from tideng.evidence.index_audit import Audit, audit_index
from tideng.evidence.issuing import Issued, NothingToShow, Request
from tideng.evidence.publishing import Publisher, WitnessesMissing
from tideng.evidence.retention import load_retention
from tideng.gateway import complaints
from tideng.gateway.store import queries
from tideng.gateway.store.concerned import GatewayConcerned
from tideng.gateway.store.keeping import Due, Keeping
from tideng.gateway.store.persons import Erased, Persons
from tideng.gateway.store.store import Store
from tideng.settings import Loaded


class EvidenceDesk:
    """Fulfils `api_evidence.AnswersForEvidence`."""

    def __init__(self, store: Store, loaded: Loaded, publisher: Publisher | None = None) -> None:
        """`publisher`: the one a running gateway has; there is one per ledger."""
        self._store, self._loaded = store, loaded
        self._publisher = publisher or make_publisher(store, loaded.settings)
        self._indexer = make_indexer(store, loaded.settings)
        self._persons = Persons(store, self._indexer)

    def bundle(
        self, request: Request, *, with_pdf: bool, progress: Callable[[str], None] = lambda _: None
    ) -> Issued:
        """One bundle; its hand-over is an entry. Raises `WitnessesMissing` and what `Issuer.issue` raises."""
        settings = self._loaded.settings
        issuer = make_issuer(self._store, settings, with_pdf=with_pdf)
        if settings.evidence.witness_policy:
            self._cosigned(0)  # before anything is recorded: without its witnesses there will be no bundle
        return issuer.issue(request, environment_record(self._store, self._loaded), progress, self._cosigned)

    def messages_of(self, case: str) -> tuple[int, ...]:
        """What was put into a case."""
        with closing(self._store.writer.reader()) as conn:
            return cases.messages_of(conn, self._store.ledger, case)

    def add_to_case(self, case: str, messages: Sequence[int], *, by: str) -> int | None:
        """Put messages into a case; the entry, None if all were in it. `NothingToShow`, `CaseRefused`."""
        store = self._store
        with closing(store.writer.reader()) as conn:
            for message in messages:
                if queries.message(conn, message) is None:
                    raise NothingToShow(f"there is no message {message}; `tideng status` lists today's")

        def job(conn: sqlite3.Connection) -> int | None:
            return cases.add_in(conn, store.ledger, case, messages, by=by)

        return store.writer.call(job)

    def record_complaint(
        self, message: int, step: complaints.StepName, *, complaint: str, text: str, due_at: int, by: str
    ) -> int:
        """See `complaints.record`."""
        return complaints.record(
            self._store, message, step, complaint=complaint, text=text, due_at=due_at, by=by
        )

    def export_person(self, number: str) -> dict[str, Any]:  # Any: plain JSON
        """See `Persons.export`."""
        return self._persons.export(number)

    def erase_person(self, number: str, *, basis: str, by: str) -> Erased:
        """See `Persons.erase`."""
        return self._persons.erase(number, basis=basis, by=by)

    def hold_person(self, number: str, case: str, *, by: str, begun: bool) -> bool:
        """Begin or end a legal hold; False if nothing changed."""
        change = self._persons.hold if begun else self._persons.release
        return change(number, case, by=by)

    def retention(self, policy: bytes, *, by: str, dry_run: bool) -> tuple[Due, int | None, str]:
        """What is due, the entry of the run (None: dry, or nothing due), the policy's hash.

        `policy`: TOML; empty: the one shipped with Tideng. Raises `RetentionInvalid`.
        """
        shipped = resources.files("tideng.evidence") / "retention.toml"
        found = load_retention(policy or shipped.read_bytes())
        keeping = Keeping(self._store, self._indexer, found)
        now = self._store.now()
        done = None if dry_run else keeping.run(now, by=by)
        due, position = done or (keeping.due(now), None)
        return due, position, found.hash

    def audit(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Audit:
        """See `audit_index`."""
        store = self._store
        with closing(store.writer.reader()) as conn:
            return audit_index(conn, store.ledger, GatewayConcerned(store), store.names, progress)

    def _cosigned(self, size: int) -> bytes:
        done = self._publisher.publish()
        if done is None or done.size < size or not done.is_witnessed:
            why = "; ".join(done.problems) if done else "no checkpoint"
            raise WitnessesMissing(f"the witnesses' quorum is not met: {why}. Try again when they answer")
        return done.note
