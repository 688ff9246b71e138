"""What a machine does to a gateway: full disk, second copy, damaged file. A clear word, nothing lost."""

import asyncio
import resource
from pathlib import Path

import pytest

from gateway.process import CarrierThread, GatewayProcess, until
from gateway.test_kill_9 import text_of
from tideng.cli.smpp_client import SmppClient


@pytest.fixture
def carrier() -> CarrierThread:
    return CarrierThread()


def submit(gateway: GatewayProcess, first: int, count: int) -> tuple[list[int], list[str]]:
    """Numbers acknowledged, and the statuses of the others."""

    async def scene() -> tuple[list[int], list[str]]:
        client = SmppClient(lambda receipt: None, lambda number, text: None)
        await client.bind("127.0.0.1", gateway.smpp_port, "library", "library3")
        good: list[int] = []
        bad: list[str] = []
        for number in range(first, first + count):
            [answer] = await client.submit(text_of(number), f"139{number:08d}")
            if answer.status:
                bad.append(answer.status_name)
            else:
                good.append(number)
        await client.close()
        return good, bad

    return asyncio.run(scene())


def test_a_full_disk_is_told_to_customers_and_survived(tmp_path: Path, carrier: CarrierThread) -> None:
    gateway = GatewayProcess(tmp_path, carrier.port)
    gateway.import_registry()
    limit = 700_000
    gateway.start(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    try:
        good, bad = submit(gateway, 0, 400)
        assert good, "the disk was full from the start; the test shows nothing"
        assert set(bad) == {"ESME_RSYSERR"}, bad
        more, still = submit(gateway, 400, 2)
        assert (more, set(still)) == ([], {"ESME_RSYSERR"}), "and it still answers"
        gateway.kill()
        carrier.up()
        gateway.start()
        until(lambda: gateway.ask("SELECT count(*) FROM outbox") == [(0,)], "an empty outbox")
        assert {text_of(number) for number in good} <= set(carrier.texts)
        assert submit(gateway, 1000, 1)[1] == []
    finally:
        gateway.end()
        carrier.close()
    assert gateway.verify()["intact"]


def test_a_second_gateway_on_the_same_data_is_refused(tmp_path: Path, carrier: CarrierThread) -> None:
    first = GatewayProcess(tmp_path, carrier.port)
    first.import_registry()
    first.start()
    try:
        second = GatewayProcess(tmp_path / "second", carrier.port)
        second._settings.write_text(
            second._settings.read_text().replace(str(second.data), str(first.data)), "utf-8"
        )
        assert second.launch().wait(60) != 0
        assert "another process" in second.log().lower() or "in use" in second.log().lower(), second.log()
        assert submit(first, 0, 1) == ([0], [])
    finally:
        first.end()
        carrier.close()


def test_a_damaged_database_stops_the_start_with_a_way_out(tmp_path: Path, carrier: CarrierThread) -> None:
    gateway = GatewayProcess(tmp_path, carrier.port)
    gateway.import_registry()
    gateway.start()
    submit(gateway, 0, 30)
    gateway.end()
    file = gateway.data / "tideng.db"
    before = file.read_bytes()
    file.write_bytes(before[: len(before) * 2 // 3])
    assert gateway.launch().wait(60) != 0
    assert "Traceback" not in gateway.log()
    assert "verify" in gateway.log() or "backup" in gateway.log(), gateway.log()
    file.write_bytes(before)
    gateway.start()
    assert submit(gateway, 100, 1)[1] == []
    gateway.end()
    carrier.close()
