"""Who may sign in, and as what. Passwords are kept as argon2id hashes only (RFC 9106)."""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from tideng.web.database import Database

Role = Literal["reviewer", "operator", "auditor"]
ROLES: Final[tuple[Role, ...]] = ("reviewer", "operator", "auditor")
"""reviewer: decides what is held. operator: runs the gateway. auditor: checks what was decided."""

PASSWORD_MIN: Final = 12
PASSWORD_MAX: Final = 256
"""NIST SP 800-63B §3.1.1.2: length counts, rules about characters do not; long ones must be allowed."""
CHECKS_AT_ONCE_MAX: Final = 2
"""Password checks at once: each takes 64 MiB and a core, and sign-ins must not starve the messages."""

_is_name: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}").fullmatch
_hasher: Final = PasswordHasher()  # RFC 9106 §4, second recommended option: 64 MiB, 3 passes


class AccountInvalid(ValueError):
    """The account cannot be made or changed like this: the limit and the next step, never the password."""


class Account(Struct, frozen=True):
    """A person who may sign in."""

    name: str
    roles: tuple[Role, ...]
    is_disabled: bool = False


class Accounts:
    """The accounts of one database. Blocking methods serve the command line, `check` the event loop."""

    def __init__(self, database: Database, *, now: Callable[[], int]) -> None:
        """`now`: microseconds UTC."""
        self._database = database
        self._now = now
        self._checks = asyncio.Semaphore(CHECKS_AT_ONCE_MAX)
        self._nobody = ""

    def add(self, name: str, password: str, roles: Iterable[str]) -> Account:
        """Make an account. Raises `AccountInvalid`, also when the name is taken."""
        if not _is_name(name):
            raise AccountInvalid(
                f"account name {name[:64]!r}: use 1 to 64 of a-z, 0-9, '.', '_', '-', a letter or digit first"
            )
        account = Account(name, _checked_roles(roles))
        row = (name, _hashed(password), ",".join(account.roles), self._now())

        def work(conn: sqlite3.Connection) -> None:
            try:
                conn.execute("INSERT INTO account VALUES (?, ?, ?, 0, ?)", row)
            except sqlite3.IntegrityError as error:
                raise AccountInvalid(
                    f"account {name!r} exists; change its password or roles instead"
                ) from error

        self._database.call(work)
        return account

    def list(self) -> list[Account]:
        """Every account, by name."""
        with closing(self._database.reader()) as reader:
            rows = reader.execute("SELECT name, roles, disabled FROM account ORDER BY name").fetchall()
        return [_account(*row) for row in rows]

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password and end its sessions. Raises `AccountInvalid`."""
        self._change(name, "password_hash", _hashed(password))

    def set_roles(self, name: str, roles: Iterable[str]) -> None:
        """Give an account other roles and end its sessions. Raises `AccountInvalid`."""
        self._change(name, "roles", ",".join(_checked_roles(roles)))

    def disable(self, name: str, *, disabled: bool = True) -> None:
        """Shut an account out at once, or let it in again. Raises `AccountInvalid`."""
        self._change(name, "disabled", int(disabled))

    async def check(self, name: str, password: str) -> Account | None:
        """The account if the password is right and it is not disabled.

        An unknown name takes as long as a wrong password, so that names cannot be found out.
        """
        with closing(self._database.reader()) as reader:
            row = reader.execute(
                "SELECT name, roles, disabled, password_hash FROM account WHERE name = ?", (name,)
            ).fetchone()
        async with self._checks:
            if not self._nobody:
                self._nobody = await asyncio.to_thread(_hasher.hash, "nobody has this password")
            known_hash = row[3] if row else self._nobody
            is_right = await asyncio.to_thread(_verified, known_hash, password[: PASSWORD_MAX + 1])
        if row is None or not is_right or row[2]:
            return None
        return _account(*row[:3])

    def _change(self, name: str, column: str, value: str | int) -> None:
        at = self._now()

        def work(conn: sqlite3.Connection) -> None:
            changed = conn.execute(
                f"UPDATE account SET {column} = ?, changed_at = ? WHERE name = ?",  # noqa: S608 - our own names
                (value, at, name),
            ).rowcount
            if not changed:
                raise AccountInvalid(
                    f"there is no account {name[:64]!r}; list the accounts to see their names"
                )
            conn.execute("DELETE FROM session WHERE account = ?", (name,))

        self._database.call(work)


def _account(name: str, roles: str, disabled: int) -> Account:
    return Account(name, tuple(role for role in ROLES if role in roles.split(",")), bool(disabled))


def _checked_roles(roles: Iterable[str]) -> tuple[Role, ...]:
    asked = set(roles)
    unknown = asked - set(ROLES)
    if unknown or not asked:
        raise AccountInvalid(f"roles {sorted(unknown)}: give one or more of {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in asked)


def _hashed(password: str) -> str:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise AccountInvalid(
            f"the password has {len(password)} characters; allowed are {PASSWORD_MIN} to {PASSWORD_MAX}. "
            "A sentence is easy to remember."
        )
    return _hasher.hash(password)


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
