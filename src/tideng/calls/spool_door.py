"""The socket that records are pushed to: TCP, lines, no answer. One thread a connection; few are needed."""

import ipaddress
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from tideng.calls.spooling import RETRY_S, Cutter, LineRefused, Spool

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: Final[tuple[Network, ...]] = (
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv6Network("::1/128"),
)
READ_BYTES: Final = 65_536
WAKE_S: Final = 0.2
"""How soon a thread notices that a file is due, or that it is to end."""


class SpoolDoor:
    """Listens while it is open; `port` says where."""

    def __init__(
        self, spool: Spool, host: str, port: int, peers: Sequence[Network], now: Callable[[], int]
    ) -> None:
        """`now`: microseconds UTC, for names. OSError when the address cannot be had."""
        self._spool, self._peers, self._now = spool, tuple(peers), now
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=16)
        self._listener.settimeout(WAKE_S)
        self.port = int(self._listener.getsockname()[1])
        self._ending = threading.Event()
        self._numbers = itertools.count(1)
        self._talking: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._accept, name="spool door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No more connections; those there are end, and their files are completed."""
        self._ending.set()
        self._thread.join()
        self._listener.close()
        for thread in list(self._talking):
            thread.join()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                talk, address = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:  # out of descriptors: others may end
                self._spool.tell(f"a connection could not be taken: {error.strerror}")
                self._ending.wait(RETRY_S)
                continue
            problem = self._problem(str(address[0]))
            if problem:
                talk.close()
                self._spool.tell(problem)
                continue
            thread = threading.Thread(target=self._talk, args=(talk,), name="spool connection", daemon=True)
            self._talking.add(thread)
            thread.start()

    def _problem(self, peer: str) -> str:
        """Why this peer is sent away; empty when it is not."""
        address = ipaddress.ip_address(peer.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if not any(address in network for network in self._peers):
            return "a peer that is not on the list was sent away; allow it with --peer"
        most = self._spool.limits.connections
        if len(self._talking) >= most:
            return f"{most} connections are open, which is the limit; one more was sent away"
        return ""

    def _talk(self, talk: socket.socket) -> None:
        stem = f"socket-{self._now():016d}-{os.getpid()}-{next(self._numbers)}"
        cutter = Cutter(self._spool, stem)
        why = "a connection ended within a line"
        try:
            talk.settimeout(WAKE_S)
            talk.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._read(talk, cutter)
        except LineRefused as error:
            why = str(error)
            self._spool.tell(f"a connection was ended: {why}")
        except OSError as error:
            self._spool.tell(f"a connection broke: {error.strerror or type(error).__name__}")
        finally:
            with suppress(OSError):
                talk.close()
            try:
                cutter.end(why)
            except OSError as error:
                self._spool.tell(f"a file could not be completed: {error.strerror}; the next start does it")
            self._talking.discard(threading.current_thread())

    def _read(self, talk: socket.socket, cutter: Cutter) -> None:
        while not self._ending.is_set():
            if not self._spool.has_room(wait_s=WAKE_S):
                # What this connection has written may be what is waited for.
                cutter.complete()
                continue
            try:
                octets = talk.recv(READ_BYTES)
            except TimeoutError:
                cutter.tick(time.monotonic())
                continue
            if not octets:
                return
            self._keep(cutter, octets)

    def _keep(self, cutter: Cutter, octets: bytes) -> None:
        """Until it is written: a full disk makes the sender wait, it loses nothing."""
        is_told = False
        while True:
            try:
                return cutter.feed(octets, time.monotonic())
            except OSError as error:
                if not is_told:
                    self._spool.tell(f"cannot write what arrives: {error.strerror}; the sender waits")
                    is_told = True
                if self._ending.wait(RETRY_S):
                    raise


@contextmanager
def spool_door(
    spool: Spool, host: str, port: int, peers: Sequence[Network], now: Callable[[], int]
) -> Iterator[SpoolDoor]:
    """The door, open while the context lasts."""
    door = SpoolDoor(spool, host, port, peers, now)
    try:
        yield door
    finally:
        door.close()
