"""API keys: made and shown once, kept as argon2id hashes, verified slowly once and then quickly."""

import asyncio
import base64
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from tideng.gateway.messages import Micros
from tideng.gateway.store.api_keys import ApiKey, all_keys, insert_key_in, key_of, revoke_key_in
from tideng.gateway.store.store import Store

Scope = Literal["send", "read", "admin"]
SCOPES: Final = ("send", "read", "admin")
NAME_CHARACTERS_MAX: Final = 100
CACHED_MAX: Final = 1_000
CACHED_S: Final = 300.0
"""A verified key is taken at its HMAC for this long; revocation does not wait for it."""
FAILURES_MAX: Final = 10
FAILURES_S: Final = 60.0
"""This many wrong keys from one address within this time, and it must pause for as long."""
ADDRESSES_MAX: Final = 10_000
_HASHING_MAX: Final = 2
"""argon2 takes 64 MiB and a tenth of a second of a core; more at once would starve the gateway."""
_ID_OCTETS: Final = 5
_SECRET_OCTETS: Final = 25
_TOKEN: Final = re.compile(r"tdk_([a-z2-7]{8})_([a-z2-7]{40})").fullmatch

_HASHER: Final = PasswordHasher()  # RFC 9106 §4, second recommended option: 64 MiB, 3 passes


class KeyRefused(Exception):
    """This is no key of ours, or it is revoked or ended. The message does not say which: nobody may probe."""


class TooManyFailures(Exception):
    """Too many wrong keys from one address; try again after `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            f"{FAILURES_MAX} wrong keys came from this address within {FAILURES_S:.0f} s, the limit; "
            f"wait {retry_after_s:.0f} s and use the right one"
        )
        self.retry_after_s = retry_after_s


class _Seen(Struct, frozen=True, gc=False):
    digest: bytes
    until: float


class ApiKeys:
    """Makes, lists, revokes and verifies keys. Belongs to the event loop's thread."""

    def __init__(self, store: Store, *, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        # Known to this process only: a copy of its memory image is all that could make a digest.
        self._process_key = store.entropy(32)
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._verifying: dict[str, asyncio.Lock] = {}
        self._hashing = asyncio.Semaphore(_HASHING_MAX)

    async def create(
        self, customer: str, scopes: Sequence[Scope], by: str, *, name: str = "", expires_at: Micros = 0
    ) -> tuple[ApiKey, str]:
        """A new key and its token `tdk_<id>_<secret>`, which is shown now and never again.

        Durable, with its ledger entry, when it returns. ValueError when the scopes do not fit the customer.
        """
        _check_wish(customer, scopes, by, name)
        key_id = _text(self._store.entropy(_ID_OCTETS))
        secret = _text(self._store.entropy(_SECRET_OCTETS))
        async with self._hashing:
            hashed = await asyncio.to_thread(_HASHER.hash, secret)
        ledger = self._store.ledger
        key = ApiKey(
            id=key_id,
            customer=customer,
            scopes=tuple(scope for scope in SCOPES if scope in scopes),
            name=name,
            hash=hashed,
            created_at=ledger.now(),
            created_by=by,
            expires_at=expires_at,
        )
        await self._store.run(lambda conn: insert_key_in(conn, ledger, key))
        return key, f"tdk_{key_id}_{secret}"

    def list(self) -> list[ApiKey]:
        """Every key, oldest first, revoked ones included."""
        return all_keys(self._store.reader)

    async def revoke(self, key_id: str, by: str) -> bool:
        """End a key at once; False when there is none or it was revoked before. Durable when it returns."""
        ledger = self._store.ledger
        at = ledger.now()
        revoked = await self._store.run(lambda conn: revoke_key_in(conn, ledger, key_id, at, by))
        self._seen.pop(key_id, None)
        return revoked

    async def verify(self, token: str, address: str) -> ApiKey:
        """The key this token is, presented from `address`. Raises `KeyRefused` or `TooManyFailures`."""
        parsed = _TOKEN(token)
        if parsed is None:
            self._check_address(address)
            raise self._failed(address)
        key_id, secret = parsed.groups()
        key = key_of(self._store.reader, key_id)
        if key is not None and not self._is_over(key) and self._is_known(key_id, secret):
            return key
        self._check_address(address)
        if key is None or self._is_over(key) or not await self._is_secret(key, secret):
            raise self._failed(address)
        # Its state is read again: it may have been revoked while the hash was computed.
        key = key_of(self._store.reader, key_id)
        if key is None or self._is_over(key):
            raise self._failed(address)
        return key

    def _is_over(self, key: ApiKey) -> bool:
        return bool(key.revoked_at) or bool(key.expires_at and key.expires_at <= self._store.now())

    def _is_known(self, key_id: str, secret: str) -> bool:
        seen = self._seen.get(key_id)
        return (
            seen is not None
            and seen.until > self._monotonic()
            and hmac.compare_digest(seen.digest, self._digest(key_id, secret))
        )

    async def _is_secret(self, key: ApiKey, secret: str) -> bool:
        # One at a time per key: a customer's fifty connections after a restart cost one hash, not fifty.
        async with self._verifying.setdefault(key.id, asyncio.Lock()), self._hashing:
            if self._is_known(key.id, secret):
                return True
            if not await asyncio.to_thread(_is_hash_of, key.hash, secret):
                return False
        self._seen[key.id] = _Seen(self._digest(key.id, secret), self._monotonic() + CACHED_S)
        self._seen.move_to_end(key.id)
        while len(self._seen) > CACHED_MAX:
            self._seen.popitem(last=False)
        return True

    def _digest(self, key_id: str, secret: str) -> bytes:
        return hmac.digest(self._process_key, f"{key_id}:{secret}".encode(), "sha256")

    def _check_address(self, address: str) -> None:
        count, until = self._failures.get(address, (0, 0.0))
        left = until - self._monotonic()
        if left <= 0:
            self._failures.pop(address, None)
        elif count >= FAILURES_MAX:
            raise TooManyFailures(left)

    def _failed(self, address: str) -> KeyRefused:
        count, until = self._failures.get(address, (0, self._monotonic() + FAILURES_S))
        self._failures[address] = (count + 1, until)
        while len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)
        return KeyRefused("this is no valid API key; check it, or ask the operator for a new one")


def _check_wish(customer: str, scopes: Sequence[str], by: str, name: str) -> None:
    if not scopes or set(scopes) - set(SCOPES):
        raise ValueError(f"a key needs one or more of the scopes {', '.join(SCOPES)}")
    if {"send", "read"} & set(scopes) and not customer:
        raise ValueError("the scopes send and read act for a customer; name it")
    if customer and "admin" in scopes:
        raise ValueError("a customer's key may not administrate the registry; make two keys")
    if len(name) > NAME_CHARACTERS_MAX or (name and not name.isprintable()):
        raise ValueError(f"a key's name has up to {NAME_CHARACTERS_MAX} printable characters; shorten it")
    if not by:
        raise ValueError("a key needs the name of who makes it")


def _is_hash_of(hashed: str, secret: str) -> bool:
    try:
        return _HASHER.verify(hashed, secret)
    except (VerificationError, InvalidHashError):
        return False


def _text(octets: bytes) -> str:
    # Base32 in lower case: survives being read out, and no character ends a word on double click.
    return base64.b32encode(octets).decode().rstrip("=").lower()
