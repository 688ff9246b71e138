"""Webhooks against a real TLS server on loopback: signed, retried, never where they must not go."""

import asyncio
import datetime as dt
import hmac
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from api.api_rig import Rig, play
from tideng.gateway.mailbox import Letter
from tideng.gateway.registry.values import Customer
from tideng.gateway.settings import ReportSettings
from tideng.gateway.store.mailbox import NewMail, put_mail
from tideng.gateway.webhook_target import WebhookRefused, target
from tideng.gateway.webhooks import BATCH_MAX, Webhooks, WebhookSink

HOST = "hooks.example"


class Receiver:
    """A customer's server: answers as told, remembers what came."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.more = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                head = {":line": line.decode().strip()}
                while (field := await reader.readline()).strip():
                    name, _, value = field.decode().partition(":")
                    head[name.lower()] = value.strip()
                self.came.append((head, await reader.readexactly(int(head["content-length"]))))
                writer.write(self.answers.pop(0) if self.answers else OK)
                await writer.drain()
                self.more.set()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def until(self, posts: int) -> None:
        async with asyncio.timeout(20):
            while len(self.came) < posts:
                await self.more.wait()
                self.more.clear()


OK = b"HTTP/1.1 204 No Content\r\n\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The receiver's side and the side that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "receiver.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(made.public_bytes(Encoding.PEM) + private)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pem)
    return theirs, ssl.create_default_context(cafile=str(pem))


@asynccontextmanager
async def hooked(rig: Rig, folder: Path, receiver: Receiver) -> AsyncIterator[tuple[Webhooks, str]]:
    """Webhooks that post to `receiver`, and the customer's secret."""

    async def to_loopback(host: str, port: int) -> Sequence[str]:
        assert host == HOST
        return ["127.0.0.1"]

    theirs, ours = certificate(folder)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=theirs)
    receiver.port = server.sockets[0].getsockname()[1]
    customer = rig.registry.snapshot.customer("library")
    assert isinstance(customer, Customer)
    address = f"https://{HOST}:{receiver.port}/tideng?x=1"
    await rig.registry.change_async([replace(customer, webhook=address)], "test")
    secret = await rig.secrets.create("library", "test")
    hooks = Webhooks(
        rig.store,
        rig.registry,
        rig.mailbox,
        rig.secrets,
        ReportSettings(webhook_retry_s=(0.001,), webhook_timeout_s=5),
        monotonic=time.monotonic,
        allowed_networks=("127.0.0.0/8",),
        resolve=to_loopback,
        trust=ours,
    )
    hooks.start()
    try:
        yield hooks, secret
    finally:
        await hooks.close()
        server.close()


async def put(rig: Rig, *letters: int) -> None:
    """Reports committed and announced, as `reports.py` does it."""
    mail = [
        NewMail(
            id=letter, customer="library", kind="report", message=0, state="delivered", at=rig.store.now()
        )
        for letter in letters
    ]
    await rig.store.run(lambda conn: put_mail(conn, mail))
    rig.mailbox.arrived(mail)


async def emptied(rig: Rig) -> None:
    """Once the mailbox on disk is empty; the mailbox is offered again as its tick does."""
    async with asyncio.timeout(20):
        while rig.store.reader.execute("SELECT count(*) FROM mailbox").fetchone()[0]:
            rig.mailbox.tick()
            await rig.store.run(lambda _: None)


def events(body: bytes) -> list[str]:
    return [event["id"] for event in msgspec.json.decode(body)["events"]]


def test_a_report_is_posted_signed_and_forgotten_once_taken(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        receiver = Receiver()
        async with hooked(rig, tmp_path, receiver) as (_, secret):
            await put(rig, 1, 2, 3)
            await emptied(rig)
            head, body = receiver.came[0]
            assert head[":line"] == "POST /tideng?x=1 HTTP/1.1"
            assert head["host"] == f"{HOST}:{receiver.port}"
            at, _, given = head["tideng-signature"].partition(",v1=")
            signed = f"{at.removeprefix('t=')}.".encode() + body
            assert given == hmac.new(secret.encode(), signed, "sha256").hexdigest()
            assert abs(int(at.removeprefix("t=")) - time.time()) < 60
            assert [one for _, body in receiver.came for one in events(body)] == ["1", "2", "3"]

    play(tmp_path, scene)


@pytest.mark.parametrize("failure", [BUSY, b"nonsense\r\n\r\n"])
def test_a_failed_post_comes_again_until_it_is_taken(tmp_path: Path, failure: bytes) -> None:
    async def scene(rig: Rig) -> None:
        receiver = Receiver()
        receiver.answers = [failure, failure]
        async with hooked(rig, tmp_path, receiver):
            await put(rig, 7)
            await emptied(rig)
            assert [events(body) for _, body in receiver.came] == [["7"], ["7"], ["7"]]

    play(tmp_path, scene)


def test_a_redirect_is_a_failure_and_not_followed(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        receiver = Receiver()
        async with hooked(rig, tmp_path, receiver):
            moved = f"HTTP/1.1 307 Moved\r\nLocation: https://127.0.0.1:{receiver.port}/elsewhere\r\n"
            receiver.answers = [f"{moved}Content-Length: 0\r\n\r\n".encode()]
            await put(rig, 7)
            await emptied(rig)
            assert [head[":line"].split()[1] for head, _ in receiver.came] == ["/tideng?x=1"] * 2

    play(tmp_path, scene)


def test_an_endless_answer_is_cut_short(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        receiver = Receiver()
        receiver.answers = [ENDLESS]
        async with hooked(rig, tmp_path, receiver):
            await put(rig, 7)
            await emptied(rig)
            assert len(receiver.came) == 1

    play(tmp_path, scene)


def test_what_was_not_taken_when_we_stop_is_still_there(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        receiver = Receiver()
        receiver.answers = [BUSY] * 1_000
        async with hooked(rig, tmp_path, receiver):
            await put(rig, 7, 8)
            await receiver.until(1)
        assert rig.store.reader.execute("SELECT count(*) FROM mailbox").fetchone() == (2,)

    play(tmp_path, scene)


def test_a_customer_without_a_secret_is_not_posted_to(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        receiver = Receiver()
        async with hooked(rig, tmp_path, receiver) as (hooks, _):
            other = rig.registry.snapshot.customer("other")
            assert isinstance(other, Customer)
            address = f"https://{HOST}:{receiver.port}/other"
            await rig.registry.change_async([replace(other, webhook=address)], "test")
            hooks.tick()
            mail = NewMail(
                id=9, customer="other", kind="report", message=0, state="failed", at=rig.store.now()
            )
            await rig.store.run(lambda conn: put_mail(conn, [mail]))
            rig.mailbox.arrived([mail])
            await put(rig, 1)
            await receiver.until(1)
            await rig.secrets.create("other", "test")
            hooks.tick()
            await receiver.until(2)
            assert [head[":line"].split()[1] for head, _ in receiver.came] == ["/tideng?x=1", "/other"]

    play(tmp_path, scene)


def test_the_secret_is_sealed_and_replaced(tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        first = await rig.secrets.create("library", "test")
        assert rig.secrets.secret("library") == first.encode()
        second = await rig.secrets.create("library", "test")
        assert second != first
        assert rig.secrets.secret("library") == second.encode()
        assert rig.secrets.secret("other") is None
        for path in tmp_path.iterdir():
            assert second.encode() not in path.read_bytes(), path.name

    play(tmp_path, scene)


REFUSED: tuple[tuple[str, list[str]], ...] = (
    ("http://hooks.example/", ["93.184.215.14"]),
    ("ftp://hooks.example/", ["93.184.215.14"]),
    ("https://user:word@hooks.example/", ["93.184.215.14"]),
    ("https://hooks.example:99999/", ["93.184.215.14"]),
    ("https:///", ["93.184.215.14"]),
    ("https://hooks.example/", []),
    ("https://hooks.example/", ["127.0.0.1"]),
    ("https://hooks.example/", ["10.1.2.3"]),
    ("https://hooks.example/", ["169.254.169.254"]),
    ("https://hooks.example/", ["100.64.0.1"]),
    ("https://hooks.example/", ["0.0.0.0"]),
    ("https://hooks.example/", ["224.0.0.1"]),
    ("https://hooks.example/", ["::1"]),
    ("https://hooks.example/", ["fd00::1"]),
    ("https://hooks.example/", ["fe80::1"]),
    ("https://hooks.example/", ["::ffff:10.1.2.3"]),
    ("https://hooks.example/", ["64:ff9b::a01:203"]),
    ("https://hooks.example/", ["2002:a01:203::1"]),
    ("https://hooks.example/", ["93.184.215.14", "10.1.2.3"]),
)


@pytest.mark.parametrize(("url", "addresses"), REFUSED)
def test_private_and_plain_addresses_are_refused(url: str, addresses: list[str]) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(WebhookRefused) as refused:
        asyncio.run(target(url, (), resolve))
    assert "hooks.example" not in str(refused.value)


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [{"six.example": "2606:4700::1111"}.get(host, "93.184.215.14")]

    where = asyncio.run(target("https://hooks.example/a/b?c=d", (), resolve))
    assert (where.url, where.host) == ("https://93.184.215.14:443/a/b?c=d", "hooks.example")
    assert asyncio.run(target("https://six.example", (), resolve)).url == "https://[2606:4700::1111]:443/"
    loopback = ipaddress.ip_network("93.184.215.0/24")
    with pytest.raises(WebhookRefused):  # allowed network, but plain http beyond loopback
        asyncio.run(target("http://hooks.example/", (loopback,), resolve))


def test_each_failure_closes_the_sink_for_longer_and_a_success_forgets_them() -> None:
    async def scene() -> None:
        clock, statuses, told = [0.0], [503, 500, 302, 200, 503], []

        async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
            return statuses.pop(0)

        sink = WebhookSink(
            "library",
            "https://hooks.example/",
            b"whs_x",
            post,
            retry_s=(1.0, 5.0),
            now=lambda: 0,
            monotonic=lambda: clock[0],
        )
        letter = Letter(id=1, customer="library", kind="report", message=2, state="delivered", at=3)
        for pause, is_taken in ((1.0, False), (5.0, False), (5.0, False), (0.0, True), (1.0, False)):
            asked = asyncio.Event()
            sink.push(letter, lambda ok, asked=asked: (told.append(ok), asked.set()))
            assert sink.room == BATCH_MAX - 1
            await asked.wait()
            assert told.pop() is is_taken
            assert sink.room == (BATCH_MAX if is_taken else 0)
            clock[0] += pause
            assert sink.room == BATCH_MAX

    asyncio.run(scene())
