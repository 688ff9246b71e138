"""Idempotency-Key: the same request again, the same answer, over restarts too. And customers' pace."""

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final

import structlog
from msgspec.structs import replace

from tideng.gateway.doors.api_operation import Answer
from tideng.gateway.doors.api_problems import FieldError, Problem
from tideng.gateway.messages import MessageId
from tideng.gateway.store.idempotency import Kept, keep_in, kept
from tideng.gateway.store.store import Store
from tideng.storage.failures import StorageError

_log = structlog.get_logger()
HEADER: Final = "idempotency-key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}").fullmatch
UNKNOWN_CUSTOMER_PER_S: Final = 10


def checked_key(value: str | None) -> str:
    """The header's value, "" when absent. Raises `Problem` for one we could not keep."""
    if value is None:
        return ""
    if _KEY(value) is None:
        error = FieldError("Idempotency-Key", "has 1 to 255 visible ASCII characters; a UUID serves well")
        raise Problem("bad-request", "the Idempotency-Key cannot be used", errors=[error])
    return value


class Once:
    """Does a keyed request once. Belongs to the event loop's thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: set[tuple[str, str]] = set()

    async def answer(
        self,
        customer: str,
        key: str,
        body: bytes,
        fresh_ids: Callable[[], tuple[MessageId, ...]],
        work: Callable[[tuple[MessageId, ...], bool], Awaitable[Answer]],
    ) -> Answer:
        """What was answered before, or what `work(ids, again)` answers now, durable before it is returned
        (or found again by its ids, where only the answer could not be kept).

        `again`: the ids were reserved by an earlier try whose answer is not known; some of them may be
        recorded. A `Problem` that `work` raises is not kept: the request may be tried again.
        """
        if not key:
            return await work(fresh_ids(), False)
        mark = (customer, key)
        if mark in self._under_way:
            raise Problem(
                "in-progress", "the first request with this key is under way", headers={"Retry-After": "1"}
            )
        self._under_way.add(mark)
        try:
            return await self._answer(customer, key, sha256(body).digest(), fresh_ids, work)
        finally:
            self._under_way.discard(mark)

    async def _answer(
        self,
        customer: str,
        key: str,
        request_hash: bytes,
        fresh_ids: Callable[[], tuple[MessageId, ...]],
        work: Callable[[tuple[MessageId, ...], bool], Awaitable[Answer]],
    ) -> Answer:
        store = self._store
        now = store.now()
        before = kept(store.reader, customer, key, now)
        if before is not None and before.request_hash != request_hash:
            raise Problem(
                "key-used-otherwise",
                "this Idempotency-Key came with another body; use a new key for a new request",
            )
        if before is not None and before.status:
            return Answer(
                body=before.answer,
                status=before.status,
                media_type=before.media_type,
                headers={"Idempotent-Replayed": "true"},
            )
        asked = before
        if asked is None:
            asked = Kept(request_hash=request_hash, ids=fresh_ids())
            await self._keep(customer, key, asked, now)
        answer = await work(asked.ids, before is not None)
        answered = replace(asked, status=answer.status, answer=answer.body, media_type=answer.media_type)
        try:
            await self._keep(customer, key, answered, now)
        except StorageError as error:
            # What was done is durable, and so are its ids: a repeat finds it by them. Only the answer is not.
            _log.warning("answer_not_kept", error=type(error).__name__)
        return answer

    async def _keep(self, customer: str, key: str, what: Kept, now: int) -> None:
        await self._store.run(lambda conn: keep_in(conn, customer, key, what, now))


class Throughput:
    """Messages per second and customer, over all its keys. A batch may go into debt; then the next waits."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tokens: dict[str, tuple[float, float]] = {}

    def take(self, customer: str, messages: int, per_s: int) -> None:
        """Raises `Problem` throttled, with when to try again."""
        rate = max(1, per_s)
        now = self._monotonic()
        tokens, at = self._tokens.get(customer, (float(rate), now))
        tokens = min(float(rate), tokens + (now - at) * rate)
        if tokens < 1:
            wait_s = max(1, -int(-(1 - tokens) // rate))
            self._tokens[customer] = (tokens, now)
            raise Problem(
                "throttled",
                f"more than {rate} messages per second, the agreed limit; wait {wait_s} s",
                headers={"Retry-After": str(wait_s)},
            )
        self._tokens[customer] = (tokens - messages, now)
