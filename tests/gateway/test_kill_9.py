"""kill -9 at random moments under load: acknowledged = recorded = dispatched in the end, and nothing else."""

import asyncio
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from gateway.process import CarrierThread, GatewayProcess, until
from tideng.cli.smpp_client import ClientError, SmppClient
from tideng.gateway.carriers.settings import CarrierSettings

WINDOW = 20
CARRIER_WINDOW = CarrierSettings(id="c1", host="127.0.0.1", port=1, system_id="tideng").window
"""What may be on the wire to a carrier when the gateway dies."""


class Load:
    """Customers that submit as fast as they are answered, until the gateway is gone."""

    def __init__(self) -> None:
        self.submitted = 0
        self.acknowledged: dict[int, str] = {}
        """Number in the text → message id."""
        self.refused: list[str] = []

    async def until_killed(self, gateway: GatewayProcess, after: int) -> None:
        client = SmppClient(lambda receipt: None, lambda number, text: None)
        await client.bind("127.0.0.1", gateway.smpp_port, "library", "library3")
        target = len(self.acknowledged) + after
        killed = asyncio.Event()

        async def one_lane() -> None:
            while not killed.is_set():
                number, self.submitted = self.submitted, self.submitted + 1
                try:
                    [answer] = await client.submit(text_of(number), f"139{number:08d}")
                except ClientError:
                    return
                if answer.status:
                    self.refused.append(answer.status_name)
                    continue
                self.acknowledged[number] = answer.message_id
                if len(self.acknowledged) >= target and not killed.is_set():
                    killed.set()
                    gateway.kill()

        await asyncio.gather(*(one_lane() for _ in range(WINDOW)))


def text_of(number: int) -> str:
    return f"【云麓图书馆】您预约的第{number}号图书已到馆,请凭读者证领取。"


def number_in(text: str) -> int:
    found = re.search(r"第(\d+)号", text)
    assert found, text
    return int(found[1])


def run(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    carrier, load = CarrierThread(), Load()
    gateway = GatewayProcess(folder, carrier.port)
    try:
        gateway.import_registry()
        for nth in range(rounds):
            # Up, down, and coming up or going down in the middle.
            if chance.random() < 0.5:
                carrier.up()
            else:
                carrier.down()
            gateway.start()
            asyncio.run(load.until_killed(gateway, chance.randrange(1, 150)))
            assert load.refused == [], f"round {nth}"
            assert gateway.verify()["intact"], f"round {nth}"
        carrier.up()
        gateway.start()
        until(lambda: gateway.ask("SELECT count(*) FROM outbox") == [(0,)], "an empty outbox", 60)
        assert gateway.end() == 0
        check(gateway, load, carrier, rounds)
    finally:
        if gateway._process is not None and gateway._process.poll() is None:
            gateway.kill()
        carrier.close()


def check(gateway: GatewayProcess, load: Load, carrier: CarrierThread, rounds: int) -> None:
    assert gateway.verify()["intact"]
    delivered = Counter(number_in(text) for text in carrier.texts)
    missing = load.acknowledged.keys() - delivered.keys()
    assert missing == set(), f"{len(missing)} acknowledged messages never reached the carrier"
    recorded = dict(gateway.ask("SELECT id, maybe_sent FROM message"))
    assert {int(id) for id in load.acknowledged.values()} <= recorded.keys()
    # What was recorded and not answered is sent too; nothing else is.
    assert sum(1 for _ in delivered) == len(recorded)
    twice = {number: times for number, times in delivered.items() if times > 1}
    assert sum(times - 1 for times in twice.values()) <= CARRIER_WINDOW * rounds
    by_number = {number: int(id) for number, id in load.acknowledged.items()}
    assert all(recorded[by_number[number]] for number in twice if number in by_number), (
        "not marked maybe_sent"
    )
    entries = gateway.ask("SELECT count(*), count(DISTINCT id) FROM message")
    assert entries[0][0] == entries[0][1]


def test_twelve_kills_lose_nothing(tmp_path: Path) -> None:
    run(tmp_path, rounds=12, seed=20261125)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_two_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    run(tmp_path, rounds=200, seed=91)
