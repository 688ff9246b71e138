"""A gateway's console on a loopback port: real store, ledger, registry, review, intake and second look.

No carrier is connected; what carriers would have answered is booked with the store's own functions.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn

from pages.house import MIGRATIONS, PASSWORD
from tideng.evidence.entries import encode_entry
from tideng.gateway import complaints
from tideng.gateway.dispatch import Dispatch
from tideng.gateway.doors.pages import console_router
from tideng.gateway.doors.pages_deps import CarrierLine, CodeMeaning, DoorLine, PagesDeps, console_room
from tideng.gateway.entries import HandoverEntry, ReportEntry
from tideng.gateway.ids import MessageIds
from tideng.gateway.intake import Intake
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import Submission
from tideng.gateway.registry.registry import Registry
from tideng.gateway.review.codes import CATALOGUE
from tideng.gateway.review.policy import load_policy
from tideng.gateway.second_look import SecondLook
from tideng.gateway.settings import DispatchSettings, IntakeSettings, ReportSettings
from tideng.gateway.store.outbox import Booking, book
from tideng.gateway.store.reports import Change, write_changes
from tideng.gateway.store.store import Store, open_store
from tideng.settings import Loaded, Settings
from tideng.web.accounts import Accounts
from tideng.web.app import make_app
from tideng.web.attempts import Attempts
from tideng.web.schema import ROOM
from tideng.web.sessions import Sessions
from tideng.web.shell import Event, Shell

MORNING = 1_795_485_600_000_000  # 2026-11-24 10:00 in Shanghai: no quiet hours
REPOSITORY = Path(__file__).parents[2]
DEBT = (
    "【衡岳资产】余女士,目前最新欠款:27911元,现申请特殊减免还9431元即可结清账目,提供结清证明。"
    "减免有效时间截至今日上午10点。过期将永久取消此权益,并追责全款,追究其法律责任,详询4000000002,退订回“T”。"
)
NOTICE = "您借阅的《提灯夜话》<b onmouseover=alert(1)>将于本周五到期</b>，请按时归还或在线续借。"


class Console:
    """Serves in a thread of its own; `ids` are the messages by what they are for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = time.monotonic_ns()
        self.ids: dict[str, int] = {}
        self.events: list[Event] = []
        self.port = 0
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="console")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Console":
        self._thread.start()
        self._ready.wait(60)
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def now(self) -> int:
        return MORNING + (time.monotonic_ns() - self._started) // 1_000

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        store = open_store(
            self._folder,
            origin="tideng.test/ledger",
            time_zone=ZoneInfo("Asia/Shanghai"),
            now=self.now,
            more_schema={ROOM: MIGRATIONS},
        )
        sessions = Sessions(store.writer, now=self.now, entropy=store.entropy, hours=8)
        try:
            await self._gateway(store, sessions)
        finally:
            sessions.close()
            store.close()

    async def _gateway(self, store: Store, sessions: Sessions) -> None:
        registry = Registry(store.writer, store.ledger)
        example = REPOSITORY / "docs/operate/examples/registry.toml"
        registry.import_toml(example.read_bytes(), "cli")
        policy = load_policy(
            (resources.files("tideng.gateway.review") / "policies" / "cn-2026.toml").read_bytes()
        )
        ids = MessageIds(self.now)
        mailbox = Mailbox(store, ReportSettings())
        dispatch = Dispatch(store, {}, (), ids, DispatchSettings())
        intake = Intake(store, registry, policy, dispatch, mailbox, ids, IntakeSettings(), DispatchSettings())
        second_look = SecondLook(store, dispatch, mailbox, ids, validity_h=48)
        accounts = Accounts(store.writer, now=self.now)
        accounts.add("mei", PASSWORD, ["reviewer"])
        accounts.add("lan", PASSWORD, ["reviewer", "auditor"])
        accounts.add("ops", PASSWORD, ["operator"])

        async def record(event: Event) -> None:
            self.events.append(event)

        shell = Shell(
            accounts,
            sessions,
            Attempts(5, 60, clock=time.monotonic),
            record,
            [console_room()],
            home="/console",
            secure=False,
        )
        deps = PagesDeps(
            shell=shell,
            store=store,
            registry=registry,
            second_look=second_look,
            meanings=meanings,
            carriers=lambda: CARRIERS,
            doors=lambda: [DoorLine(name="smpp", address="127.0.0.1:2775", connections=2)],
            settings=lambda: Loaded(Settings(), {}).rows(),
            now=self.now,
        )
        mailbox.start()
        intake.start()
        await self._fill(store, intake, ids)
        await self._serve_until_stopped(make_app([console_router(deps)], shell))
        await intake.close()
        await mailbox.close()

    async def _serve_until_stopped(self, app: object) -> None:
        assert self._stop is not None
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
        server.capture_signals = _no_signals  # type: ignore[method-assign]  # signals are pytest's
        task = asyncio.create_task(server.serve([listener]))
        self._ready.set()
        await self._stop.wait()
        server.should_exit = True
        await task
        listener.close()

    async def _fill(self, store: Store, intake: Intake, ids: MessageIds) -> None:
        async def submit(what: str, customer: str, recipient: str, text: str, **more: str) -> int:
            category = "debt" if text is DEBT else "notice"
            self.ids[what] = ids.next()
            submission = Submission(
                id=self.ids[what],
                customer=customer,
                recipient=recipient,
                text=text,
                received_at=self.now(),
                peer="127.0.0.1",
                raw=bytes(32),
                category=category,
                **{"session": "bind-1", **more},
            )
            [outcome] = await intake.submit([submission])
            assert outcome.action == ACTIONS[customer], (what, outcome)
            return self.ids[what]

        await submit("refused", "kexun", "13800000001", DEBT)
        for nth, what in enumerate(HELD):
            await submit(what, "lvzhou", f"1380000010{nth}", DEBT)
        await submit("mine", "lvzhou", "13800000199", DEBT, door="console", session="mei")
        delivered = await submit("delivered", "yunlu-library", "13800000002", NOTICE)
        failed = await submit("failed", "yunlu-library", "13800000003", NOTICE)
        await submit("erased", "yunlu-library", "13800000004", NOTICE)
        await _hand_over(store, delivered, self.now(), state="sent", outcome="accepted")
        await _report(store, delivered, self.now())
        due_at = self.now() + 3 * 86_400_000_000
        first = partial(
            complaints.record, store, delivered, "received", complaint="12321-7", text="不是我的书"
        )
        await asyncio.to_thread(first, due_at=due_at, by="mei")
        await _hand_over(store, failed, self.now(), state="failed", outcome="refused", maybe_sent=True)
        store.keys.destroy(store.subject("8613800000004"), self.now())
        await store.run(store.ledger.checkpoint_in)


HELD = ("to_release", "to_refuse", "to_race", "to_read", "without_scripts", "to_keep")
ACTIONS = {"kexun": "refuse", "lvzhou": "hold", "yunlu-library": "send"}
CARRIERS = (
    CarrierLine(id="unicom", links_bound=2, links=2, unanswered=3, window=200, rate_per_s=500),
    CarrierLine(
        id="telecom",
        links_bound=0,
        links=1,
        unanswered=0,
        window=100,
        rate_per_s=0,
        last_error="connection refused by 127.0.0.1:2776",
    ),
)


def meanings(language: str) -> Mapping[str, CodeMeaning]:
    short = "zh" if language.startswith("zh") else "en"
    return {
        code: CodeMeaning(
            code=code,
            family=told.family,
            seen=getattr(told, f"seen_{short}"),
            why=getattr(told, f"why_{short}"),
            next_step=getattr(told, f"next_{short}"),
        )
        for code, told in CATALOGUE.items()
    }


async def _hand_over(
    store: Store, message: int, at: int, *, state: str, outcome: str, maybe_sent: bool = False
) -> None:
    entry = HandoverEntry(
        at=at,
        attempt=1,
        carrier="unicom",
        carrier_ids=("a1",) if state == "sent" else (),
        coding=8,
        maybe_sent=maybe_sent,
        message=str(message),
        outcome=outcome,
        parts=1,
        status=0 if state == "sent" else 0x45,
    )
    booking = Booking(
        message=message,
        state=state,
        leaf=encode_entry(entry),
        accepted={0: "a1"} if state == "sent" else {},
        maybe_sent=maybe_sent,
        carrier="unicom",
        parts=1,
    )
    await store.run(lambda conn: book(conn, store.ledger, [booking], at, store.day(at)))


async def _report(store: Store, message: int, at: int) -> None:
    entry = ReportEntry(
        at=at,
        carrier="unicom",
        carrier_id="a1",
        error="000",
        message=str(message),
        part=0,
        raw="",
        received_at=at,
        state="delivered",
    )
    change = Change(
        message=message,
        carrier="unicom",
        folded="a1",
        carrier_id="a1",
        part_state="delivered",
        leaf=encode_entry(entry),
        message_state="delivered",
    )
    await store.run(lambda conn: write_changes(conn, store.ledger, [change], at, store.day(at)))


class _no_signals:  # noqa: N801 - stands in for a context manager function
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
