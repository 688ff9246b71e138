"""What accounts and sessions need of a database; `storage.sqlite.Writer` fulfils it."""

import sqlite3
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Database(Protocol):
    """One writer and any number of readers."""

    def call(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job; durable when it returns. Blocks."""
        ...

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """The same for the event loop."""
        ...

    def reader(self) -> sqlite3.Connection:
        """A read-only connection; the caller closes it."""
        ...
