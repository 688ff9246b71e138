"""Records pushed over a socket: whole lines become files, a kill loses none, too much makes senders wait."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tideng.calls.importing import CallStore
from tideng.calls.readers.formats import Format
from tideng.calls.spool_door import LOOPBACK, SpoolDoor, spool_door
from tideng.calls.spooling import Cutter, Limits, LineRefused, Piece, Spool
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make
from tideng.cli.main import app

HEAD = b"caller,callee,start,ring_s,duration_s,answered\n"
WAIT_S = 30.0


def row(number: int) -> bytes:
    return b"02155501234,138%08d,%d,5,60,true\n" % (number, 1_772_431_200 + 60 * number)


def until(holds: Callable[[], bool], what: str) -> None:
    """Look again and again until it holds."""
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.01)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError(f"{what} did not happen within {WAIT_S:g} s")


def spool_of(
    folder: Path, *, format: Format = "auto", said: list[str] | None = None, **limits: float
) -> Spool:
    told = said if said is not None else []
    return Spool(folder, format, Limits(**limits), told.append)  # type: ignore[arg-type]  # whole numbers are


def pieces(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("socket-*.cdr"))]


def lines_in(found: list[bytes]) -> list[bytes]:
    """The rows of pieces, each of which must begin with the header."""
    assert all(piece.startswith(HEAD) for piece in found)
    return [line for piece in found for line in piece[len(HEAD) :].splitlines(keepends=True)]


# Cutting


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 30), cuts=st.lists(st.integers(0, 1_500), max_size=12), half=st.booleans(),
    piece_bytes=st.integers(60, 600), pauses=st.lists(st.floats(0, 4), min_size=13, max_size=13),
)  # fmt: skip
def test_any_slicing_gives_whole_lines_once_and_puts_half_a_line_aside(
    tmp_path_factory: pytest.TempPathFactory, count: int, cuts: list[int], half: bool, piece_bytes: int,
    pauses: list[float],
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("spool")
    cutter = Cutter(spool_of(folder, piece_bytes=piece_bytes), "socket-1")
    rows = [row(number) for number in range(count)]
    stream = HEAD + b"".join(rows) + (b"02155501234,1380000" if half else b"")
    ends = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    at = 0.0
    for first, last, pause in zip(ends, ends[1:], pauses, strict=False):
        cutter.feed(stream[first:last], at)
        at += pause
        cutter.tick(at)
    cutter.end("the end")
    assert lines_in(pieces(folder)) == rows
    parts = [path.read_bytes() for path in (folder / "refused").iterdir()]
    assert parts == ([b"02155501234,1380000"] if half else [])
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_file_is_complete_when_large_when_old_or_when_the_peer_pauses(tmp_path: Path) -> None:
    cutter = Cutter(spool_of(tmp_path, piece_bytes=1_000), "socket-1")
    cutter.feed(HEAD + row(1), 0.0)
    cutter.tick(0.9)
    assert pieces(tmp_path) == []
    cutter.tick(1.0)
    assert len(pieces(tmp_path)) == 1
    for tenth in range(11):
        cutter.feed(row(2 + tenth), 10 + tenth / 2)
    assert len(pieces(tmp_path)) == 2
    cutter.feed(b"".join(row(n) for n in range(100, 130)), 30.0)
    assert len(pieces(tmp_path)) == 3
    assert len(lines_in(pieces(tmp_path))) == 42


@pytest.mark.parametrize(
    ("format", "first", "said"),
    [
        ("auto", b"hello world\n", "none of the formats"),
        ("auto", b"\xa0\x03\x80\x01\x01\n", "BER has no lines"),
        ("auto", b"method,callid,time,src_user,dst_user\n", "drop them as files"),
        ("kamailio", b"METHOD,from_tag,callid\n", "drop them as files"),
        ("auto", b"x" * 70_000, "more than 65,536 bytes"),
    ],
)
def test_what_cannot_be_taken_ends_the_connection_and_is_kept(
    tmp_path: Path, format: Format, first: bytes, said: str
) -> None:
    cutter = Cutter(spool_of(tmp_path, format=format), "socket-1")
    with pytest.raises(LineRefused, match=said):
        cutter.feed(first, 0.0)
    cutter.end(said)
    assert pieces(tmp_path) == []
    [part] = [path.read_bytes() for path in (tmp_path / "refused").iterdir()]
    assert part == first[:65_536]


def test_dialogs_and_documents_are_lines_too(tmp_path: Path) -> None:
    head = b"callid,start_time,end_time,duration,caller_id,callee_id\n"
    for number, (format, stream) in enumerate(
        [("kamailio", head + b"a,1,2,1,x,y\n"), ("auto", b'{"variables":{}}\n'), ("freeswitch-csv", b'"a"\n')]
    ):
        cutter = Cutter(spool_of(tmp_path, format=format), f"socket-{number}")  # type: ignore[arg-type]  # literals
        cutter.feed(stream, 0.0)
        cutter.end("")
        assert pieces(tmp_path)[number] == stream


def test_a_disk_that_refuses_for_a_while_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    cutter = Cutter(spool_of(folder), "socket-1")
    cutter.feed(HEAD + row(1)[:10], 0.0)
    shutil.rmtree(folder)
    for _ in range(3):
        with pytest.raises(OSError, match="No such file"):
            cutter.feed(row(1)[10:] + row(2) + row(3)[:5], 1.0)
    (folder / "refused").mkdir(parents=True)
    cutter.feed(row(1)[10:] + row(2) + row(3)[:5], 1.0)
    cutter.feed(row(3)[5:], 1.1)
    cutter.end("")
    assert lines_in(pieces(folder)) == [row(1), row(2), row(3)]


# What a killed process leaves


def test_what_a_killed_process_left_is_completed_and_half_a_line_put_aside(tmp_path: Path) -> None:
    (tmp_path / ".socket-7-000001.writing").write_bytes(HEAD + row(1) + row(2)[:9])
    (tmp_path / ".socket-7-000002.writing").write_bytes(row(3)[:9])
    said: list[str] = []
    spool_of(tmp_path, said=said)
    assert lines_in(pieces(tmp_path)) == [row(1)]
    parts = sorted(path.read_bytes() for path in (tmp_path / "refused").iterdir())
    assert parts == sorted([row(2)[:9], row(3)[:9]])
    assert len(said) == 2
    assert not [*tmp_path.glob(".socket-*")]


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    piece = Piece(tmp_path, "socket-9-000001", HEAD, at=0.0)
    piece.add(row(1))
    spool_of(tmp_path)
    assert pieces(tmp_path) == []
    piece.complete()
    assert lines_in(pieces(tmp_path)) == [row(1)]


# Over real sockets


@contextlib.contextmanager
def opened(spool: Spool, *networks: str) -> Iterator[SpoolDoor]:
    peers = tuple(ip_network(one) for one in networks) or LOOPBACK
    with spool_door(spool, "127.0.0.1", 0, peers, lambda: 1_772_431_200_000_000) as door:
        yield door


def talk(door: SpoolDoor) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), timeout=WAIT_S)


def test_several_peers_push_half_lines_and_each_line_arrives_once(tmp_path: Path) -> None:
    with opened(spool_of(tmp_path)) as door:
        peers = [talk(door) for _ in range(3)]
        for at in range(0, 40, 7):
            for number, peer in enumerate(peers):
                stream = HEAD + row(number) + row(100 + number)
                peer.sendall(stream[at * 3 : (at + 7) * 3])
        for number, peer in enumerate(peers):
            peer.sendall((HEAD + row(number) + row(100 + number))[126:])
            peer.close()
        until(lambda: len(pieces(tmp_path)) == 3, "three files")
    assert sorted(lines_in(pieces(tmp_path))) == sorted(row(n + m) for n in range(3) for m in (0, 100))


def test_a_pause_is_enough_and_the_connection_goes_on(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, quiet_s=0.3)
    with opened(spool) as door, talk(door) as peer:
        for number in range(2):
            peer.sendall((b"" if number else HEAD) + row(number))
            assert spool.arrived.wait(WAIT_S)
            spool.arrived.clear()
    assert lines_in(pieces(tmp_path)) == [row(0), row(1)]


def test_a_gigabyte_without_a_line_end_is_refused_early(tmp_path: Path) -> None:
    said: list[str] = []
    sent = 0
    with opened(spool_of(tmp_path, said=said)) as door, talk(door) as peer:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(1_000):
                peer.sendall(b"x" * 1_000_000)
                sent += 1_000_000
        until(lambda: len(said) == 2, "the refusal")
    assert sent < 100_000_000
    assert "more than 65,536 bytes" in said[0]
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) == 65_536


def test_strangers_and_too_many_are_sent_away(tmp_path: Path) -> None:
    said: list[str] = []
    spool = spool_of(tmp_path, said=said, connections=2)
    with opened(spool, "10.0.0.0/8") as door, talk(door) as peer:
        assert peer.recv(1) == b""
    assert "not on the list" in said[0]
    assert "127.0.0.1" not in said[0]
    with opened(spool) as door, talk(door) as first, talk(door) as second:
        first.sendall(HEAD + row(1))
        second.sendall(HEAD + row(2))
        until(lambda: len([*tmp_path.glob("*socket-*")]) == 2, "both are taken")
        with talk(door) as third:
            assert third.recv(1) == b""
        first.close()
        second.close()
        until(lambda: len(pieces(tmp_path)) == 2, "both files")
    assert "2 connections are open" in said[-1]


def test_too_much_makes_the_sender_wait_and_loses_nothing(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, spool_bytes=200_000)
    everything = HEAD + b"".join(row(number) for number in range(300_000))
    with opened(spool) as door, talk(door) as peer:
        sender = threading.Thread(target=peer.sendall, args=(everything,))
        sender.start()
        until(lambda: not spool.has_room(wait_s=0.0), "the spool is full")
        until(lambda: len(pieces(tmp_path)) > 0, "a file")
        assert sender.is_alive()
        waiting = sum(path.stat().st_size for path in tmp_path.iterdir() if path.is_file())
        assert waiting <= 200_000 + 2 * 65_536

        def take() -> bool:
            for path in sorted(tmp_path.glob("socket-*.cdr")):
                spool.taken(path)
            return not sender.is_alive()

        def is_over() -> bool:
            take()
            with contextlib.suppress(BlockingIOError):
                return peer.recv(1) == b""
            return False

        until(take, "all was sent")
        peer.shutdown(socket.SHUT_WR)
        peer.setblocking(False)
        until(is_over, "all was read")
    assert lines_in(pieces(tmp_path / "taken") + pieces(tmp_path)) == everything.splitlines(keepends=True)[1:]


# The command, killed and started again


class Watching:
    """`tideng calls watch --listen` as its own process."""

    def __init__(self, data: Path, folder: Path) -> None:
        words = ["--data", str(data), "calls", "watch", str(folder), "--listen", "127.0.0.1:0", "--json"]
        said = data.with_suffix(".said")
        with said.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tideng", *words],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=os.environ | {"NO_COLOR": "1"},
            )
        listens = re.compile(r"records are taken at 127\.0\.0\.1:(\d+)")
        until(lambda: listens.search(said.read_text()) is not None, "the socket is open")
        self.port = int(listens.findall(said.read_text())[0])

    def end(self, how: int) -> str:
        self.process.send_signal(how)
        told, _ = self.process.communicate(timeout=WAIT_S)
        return told


def town() -> list[bytes]:
    calls, _ = as_calls(make("held", 21, lines=250, days=10, boxes=8, quiet_days=6))
    columns = (calls.caller, calls.callee, calls.start, calls.ring_s, calls.talk_s, calls.answered)
    return [
        b"%d,%d,%d,%d,%d,%s\n" % (*some, b"true" if answered else b"false")
        for *some, answered in zip(*(column.tolist() for column in columns), strict=True)
    ]


def test_killed_while_records_arrive_none_is_lost_and_none_comes_twice(tmp_path: Path) -> None:
    folder, data = tmp_path / "spool", tmp_path / "data"
    folder.mkdir()
    rows = town()
    half = len(rows) // 2
    first = Watching(data, folder)
    with socket.create_connection(("127.0.0.1", first.port), timeout=WAIT_S) as peer:
        peer.sendall(HEAD + b"".join(rows[:half]) + rows[half][:20])
        wanted = sum(map(len, rows[:half]))

        def written() -> bool:
            with contextlib.suppress(FileNotFoundError):  # renamed or moved while we looked
                files = [path for path in folder.rglob("*") if path.is_file()]
                return sum(path.stat().st_size for path in files) >= wanted
            return False

        until(written, "all is written")
        first.end(signal.SIGKILL)
    second = Watching(data, folder)
    with socket.create_connection(("127.0.0.1", second.port), timeout=WAIT_S) as peer:
        # The sender does not know what arrived before the kill, so it begins anew.
        peer.sendall(HEAD + b"".join(rows))

    def gone_on() -> bool:
        """Every record is in the store, and the watch has seen the last part."""
        with (
            contextlib.suppress(FileNotFoundError, sqlite3.OperationalError),  # not made yet
            closing(sqlite3.connect(data / "calls" / "calls.db")) as db,
        ):
            [(count, last)] = db.execute("SELECT sum(records), max(part) FROM files").fetchall()
            kept = msgspec.msgpack.decode((data / "calls" / "watch.msgpack").read_bytes())
            return (count, last) == (len(set(rows)), kept["position"])
        return False

    until(gone_on, "all is imported and watched")
    told = second.end(signal.SIGINT)
    store = CallStore(data / "calls")
    kept = [record.raw for part in store.parts() for record in store.records(part)]
    refused = store.refusals()
    store.close()
    assert len(kept) == len(set(kept)) == len(set(rows))
    assert refused == {}
    listed = CliRunner().invoke(app, ["--data", str(data), "calls", "visits", "--json"])
    assert {case["id"] for case in map(json.loads, told.splitlines())} <= {
        case["id"] for case in json.loads(listed.stdout)
    }
    assert json.loads(listed.stdout)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "0.0.0.0:0"], "say with --peer who may push"),
        (["--listen", "127.0.0.1:0", "--peer", "everybody"], "give an address or a network"),
        (["--listen", "127.0.0.1:0", "--format", "ber"], "has no lines"),
        (["--listen", "127.0.0.1:0", "--once"], "leave it or --listen out"),
        (["--listen", "nowhere"], "give HOST:PORT"),
    ],
)
def test_a_socket_that_cannot_be_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["--data", str(tmp_path / "d"), "calls", "watch", str(tmp_path), *words])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
