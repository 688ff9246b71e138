"""A console with a real database, real accounts and a clock the test moves."""

import os

from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer
from tideng.web.accounts import Accounts
from tideng.web.attempts import Attempts
from tideng.web.schema import STEPS
from tideng.web.sessions import Sessions
from tideng.web.shell import Event, Shell

SECOND = 1_000_000
PASSWORD = "the lantern hangs by the door"
MIGRATIONS = tuple(Migration(version, sql) for version, sql in STEPS)


class Clock:
    """Microseconds and seconds that move only when told."""

    def __init__(self) -> None:
        self.us = 1_770_000_000 * SECOND

    def now(self) -> int:
        return self.us

    def seconds(self) -> float:
        return self.us / SECOND

    def pass_s(self, seconds: float) -> None:
        self.us += int(seconds * SECOND)


class House:
    """The shell alone, without any product."""

    def __init__(self, writer: Writer, *, secure: bool = False) -> None:
        self.clock = Clock()
        self.writer = writer
        self.events: list[Event] = []
        self.accounts = Accounts(writer, now=self.clock.now)
        self.sessions = Sessions(writer, now=self.clock.now, entropy=os.urandom, hours=8)
        self.attempts = Attempts(3, 60, clock=self.clock.seconds)
        self.shell = Shell(
            self.accounts, self.sessions, self.attempts, self.record, [], home="/console", secure=secure
        )

    async def record(self, event: Event) -> None:
        self.events.append(event)
