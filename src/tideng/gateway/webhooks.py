"""Webhooks: reports and replies posted to a customer's own address, signed, at least once.

Letters stay in the mailbox until the customer answered 2xx. A failure gives them back and closes the sink
for a while, so that another way to the customer (an SMPP bind) may take them meanwhile.
"""

import asyncio
import base64
import hmac
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import structlog
from msgspec import Struct

from tideng.evidence.subjects import NONCE_BYTES, open_sealed, seal
from tideng.gateway.mailbox import Letter, Mailbox
from tideng.gateway.messages import Micros
from tideng.gateway.registry.snapshot import Snapshot
from tideng.gateway.settings import ReportSettings
from tideng.gateway.store.api_keys import put_secret_in, sealed_secret
from tideng.gateway.store.store import Store
from tideng.gateway.webhook_target import Resolve, WebhookRefused, resolve_by_system, target

if TYPE_CHECKING:
    import httpx

_log = structlog.get_logger()
BATCH_MAX: Final = 100
"""Letters in one POST."""
ANSWER_BYTES_MAX: Final = 16_384
"""Of the answer's body, which is read only to keep the connection usable."""
SIGNATURE_HEADER: Final = "Tideng-Signature"
_SECRET_OCTETS: Final = 30
_US: Final = 1_000_000


class Registers(Protocol):
    """The registry, as this step sees it."""

    @property
    def snapshot(self) -> Snapshot: ...


class WebhookSecrets:
    """One secret per customer, sealed under the operator's key because signing needs it in clear."""

    def __init__(self, store: Store, sealing_key: bytes) -> None:
        self._store = store
        self._sealing_key = sealing_key
        self.generation = 0
        """Grows with every change, so that sinks know to read theirs again."""

    async def create(self, customer: str, by: str) -> str:
        """A new secret in place of any earlier one; shown now and never again. Durable, in the ledger."""
        text = base64.b32encode(self._store.entropy(_SECRET_OCTETS)).decode().lower()
        secret = f"whs_{text}"
        nonce = self._store.entropy(NONCE_BYTES)
        sealed = seal(self._sealing_key, secret.encode(), nonce, _associated(customer))
        ledger = self._store.ledger
        at = ledger.now()
        await self._store.run(lambda conn: put_secret_in(conn, ledger, customer, sealed, at, by))
        self.generation += 1
        return secret

    def secret(self, customer: str) -> bytes | None:
        """The secret's ASCII bytes; None when none was made."""
        sealed = sealed_secret(self._store.reader, customer)
        return None if sealed is None else open_sealed(self._sealing_key, sealed, _associated(customer))


def _associated(customer: str) -> bytes:
    return b"webhook:" + customer.encode()


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One letter as it is posted."""

    id: str
    kind: str
    """report or inbound."""
    at: Micros
    message: str = ""
    state: str = ""
    error: str = ""
    submitted_at: Micros = 0
    part_ids: tuple[str, ...] = ()
    code_number: str = ""
    number: str = ""
    text: str = ""
    reference: str = ""


class Events(Struct, frozen=True):
    """The body of one POST."""

    events: list[Event]


def event_of(letter: Letter) -> Event:
    """What the customer reads. Ids are text: JSON readers elsewhere lose bits above 2^53."""
    return Event(
        id=str(letter.id),
        kind=letter.kind,
        at=letter.at,
        message=str(letter.message) if letter.message else "",
        state=letter.state,
        error=letter.error,
        submitted_at=letter.submitted_at,
        part_ids=tuple(map(str, letter.part_ids)),
        code_number=letter.code_number,
        number=letter.number,
        text=letter.text,
        reference=letter.reference,
    )


def signature(secret: bytes, at_s: int, body: bytes) -> str:
    """The header's value: `t=<unix seconds>,v1=<hex HMAC-SHA-256 of t.body>`."""
    return f"t={at_s},v1={hmac.digest(secret, b'%d.' % at_s + body, 'sha256').hex()}"


class Post(Protocol):
    """Brings one signed body over; the status. Raises `WebhookRefused` or `WebhookFailed`."""

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int: ...


class WebhookFailed(Exception):
    """It could not be brought over this time; the message is the kind of failure."""


class WebhookSink:
    """Fulfils `Sink`: one customer's webhook. One POST at a time, in order."""

    def __init__(
        self,
        customer: str,
        url: str,
        secret: bytes,
        post: Post,
        *,
        retry_s: Sequence[float],
        now: Callable[[], Micros],
        monotonic: Callable[[], float],
    ) -> None:
        self.customer, self.url = customer, url
        self._secret, self._post = secret, post
        self._retry_s = retry_s
        self._now, self._monotonic = now, monotonic
        self._waiting: list[tuple[Letter, Callable[[bool], None]]] = []
        self._failures = 0
        self._closed_until = 0.0
        self._is_closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def room(self) -> int:
        """None while a failed POST's pause lasts, or after `close`."""
        if self._is_closed or self._monotonic() < self._closed_until:
            return 0
        return BATCH_MAX - len(self._waiting)

    def push(self, letter: Letter, done: Callable[[bool], None]) -> None:
        """See `Sink`. Letters that come while a POST is under way make up the next one."""
        self._waiting.append((letter, done))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"webhook:{self.customer}")

    async def close(self) -> None:
        """Stop; what was not acknowledged goes back to the mailbox."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._give_back(self._waiting)
        self._waiting = []

    async def _run(self) -> None:
        batch: list[tuple[Letter, Callable[[bool], None]]] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                is_taken = await self._bring([letter for letter, _ in batch])
                settled, batch = batch, []
                if is_taken:
                    self._failures = 0
                    for _, done in settled:
                        done(True)
                    continue
                pause = self._retry_s[min(self._failures, len(self._retry_s) - 1)]
                self._failures += 1
                self._closed_until = self._monotonic() + pause
                late, self._waiting = self._waiting, []
                self._give_back(settled + late)
        finally:
            self._give_back(batch)
            self._task = None

    async def _bring(self, letters: Sequence[Letter]) -> bool:
        body = msgspec.json.encode(Events([event_of(letter) for letter in letters]))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "tideng",
            SIGNATURE_HEADER: signature(self._secret, self._now() // _US, body),
        }
        try:
            status = await self._post(self.url, body, headers)
        except WebhookRefused as error:
            _log.warning("webhook_refused", customer=self.customer, reason=str(error))
            return False
        except (WebhookFailed, TimeoutError, OSError) as error:
            name = str(error) if isinstance(error, WebhookFailed) else type(error).__name__
            _log.warning("webhook_failed", customer=self.customer, error=name)
            return False
        if not 200 <= status < 300:
            _log.warning("webhook_failed", customer=self.customer, status=status)
        return 200 <= status < 300

    @staticmethod
    def _give_back(batch: Sequence[tuple[Letter, Callable[[bool], None]]]) -> None:
        # Last one first: each goes to the front of the mailbox, so that their order stays.
        for _, done in reversed(batch):
            done(False)


class Webhooks:
    """Attaches a sink for every active customer with a webhook and a secret, and follows the registry."""

    def __init__(
        self,
        store: Store,
        registry: Registers,
        mailbox: Mailbox,
        secrets: WebhookSecrets,
        settings: ReportSettings,
        *,
        monotonic: Callable[[], float],
        allowed_networks: Sequence[str] = (),
        resolve: Resolve = resolve_by_system,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`allowed_networks`: private networks (CIDR) that webhooks may lead into.

        `trust`: whose certificates count; None: those the system trusts.
        """
        self._store, self._registry, self._mailbox = store, registry, mailbox
        self._secrets, self._settings = secrets, settings
        self._monotonic, self._resolve, self._trust = monotonic, resolve, trust
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed_networks)
        self._sinks: dict[str, WebhookSink] = {}
        self._seen: tuple[Snapshot | None, int] = (None, -1)
        self._closing: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._is_started = False

    def start(self) -> None:
        """Attach what the registry names now."""
        self._is_started = True
        self.tick()

    def _connected(self) -> "httpx.AsyncClient":
        """The client, made when there is something to bring: most gateways have no webhook."""
        if self._client is not None:
            return self._client
        import httpx

        self._client = httpx.AsyncClient(
            # Neither proxies nor .netrc from the environment: they would lead elsewhere than was checked.
            trust_env=False,
            verify=self._trust if self._trust is not None else ssl.create_default_context(),
            follow_redirects=False,
            timeout=self._settings.webhook_timeout_s,
        )
        return self._client

    def tick(self) -> None:
        """Once a second: follow the registry. Costs nothing while it stays the same."""
        snapshot, generation = self._registry.snapshot, self._secrets.generation
        before, known = self._seen
        if snapshot is before and generation == known:
            return
        wanted = {
            customer.id: customer.webhook
            for customer in snapshot.customers.values()
            if customer.webhook and customer.status != "closed"
        }
        for customer_id, sink in list(self._sinks.items()):
            if wanted.get(customer_id) != sink.url or generation != known:
                self._drop(customer_id)
        for customer_id, url in wanted.items():
            if customer_id not in self._sinks:
                self._add(customer_id, url)
        self._seen = (snapshot, generation)

    async def close(self) -> None:
        """Give back what is under way and stop."""
        for customer_id in list(self._sinks):
            self._drop(customer_id)
        await asyncio.gather(*self._closing)
        if self._client is not None:
            await self._client.aclose()

    def _add(self, customer_id: str, url: str) -> None:
        secret = self._secrets.secret(customer_id)
        if secret is None:
            # Unsigned posts would teach customers to trust anybody who knows their address.
            _log.warning("webhook_without_secret", customer=customer_id)
            return
        sink = WebhookSink(
            customer_id,
            url,
            secret,
            self._post,
            retry_s=self._settings.webhook_retry_s,
            now=self._store.now,
            monotonic=self._monotonic,
        )
        self._sinks[customer_id] = sink
        self._mailbox.attach(customer_id, sink)

    def _drop(self, customer_id: str) -> None:
        sink = self._sinks.pop(customer_id)
        self._mailbox.detach(customer_id, sink)
        task = asyncio.create_task(sink.close(), name=f"webhook-close:{customer_id}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if not self._is_started:
            raise WebhookRefused("webhooks are not started")
        client = self._connected()
        from httpx import HTTPError

        try:
            return await self._sent(client, url, body, headers)
        except HTTPError as error:
            raise WebhookFailed(type(error).__name__) from error

    async def _sent(self, client: "httpx.AsyncClient", url: str, body: bytes, headers: dict[str, str]) -> int:
        async with asyncio.timeout(self._settings.webhook_timeout_s):
            where = await target(url, self._allowed, self._resolve)
            extensions: dict[str, Any] = {"sni_hostname": where.host}  # Any: httpx's own type
            request = client.build_request(
                "POST",
                where.url,
                content=body,
                headers=headers | {"Host": where.host_header},
                extensions=extensions,
            )
            response = await client.send(request, stream=True)
            try:
                octets = 0
                async for chunk in response.aiter_raw():
                    octets += len(chunk)
                    if octets > ANSWER_BYTES_MAX:
                        break  # closing the connection is cheaper than reading on
            finally:
                await response.aclose()
            return response.status_code
