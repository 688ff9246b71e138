"""Kannel and Jasmin, measured in the same run where they are installed."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from bench import smsbench
from bench.gateway import free_port

START_S: Final = 20.0
END_S: Final = 10.0
_KANNEL: Final = """\
group = core
admin-port = {admin}
admin-password = bench
smsbox-port = {box}
box-allow-ip = 127.0.0.1
admin-allow-ip = 127.0.0.1

group = smsc
smsc = smpp
smsc-id = bench
host = 127.0.0.1
port = {centre}
smsc-username = bench
smsc-password = bench
transceiver-mode = true
system-type = ""

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
global-sender = 1069

group = sendsms-user
username = bench
password = bench
"""


def measure(binary: Path, folder: Path, count: int) -> list[str]:
    """One line per peer: figures, or why there are none."""
    bearerbox, smsbox = shutil.which("bearerbox"), shutil.which("smsbox")
    lines = []
    if bearerbox and smsbox:
        lines.append(_kannel(binary, folder, bearerbox, smsbox, count))
    else:
        lines.append("Kannel: not installed (no bearerbox and smsbox on the path)")
    if shutil.which("jasmind.py") or shutil.which("jasmind"):
        # It needs RabbitMQ, Redis and a session at its management console: more than a round should do.
        lines.append("Jasmin: installed, but its scenario is not automated; measure it by hand")
    else:
        lines.append("Jasmin: not installed (no jasmind on the path)")
    return lines


def _kannel(binary: Path, folder: Path, bearerbox: str, smsbox: str, count: int) -> str:
    """HTTP in, SMPP out, memory store, default window (10), no reports: its documented best case."""
    ports = {name: free_port() for name in ("admin", "box", "centre", "http")}
    settings = folder / "kannel.conf"
    settings.write_text(_KANNEL.format(**ports), "utf-8")
    centre = smsbench.centre(
        binary, folder, ports["centre"], "-expect", str(count), "-idle", "20s", "-grace", "300ms"
    )
    started: list[subprocess.Popen[bytes]] = []
    try:
        for program, port in ((bearerbox, ports["box"]), (smsbox, ports["http"])):
            started.append(
                subprocess.Popen(
                    [program, str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            if not _comes_up(port):
                centre.interrupt()
                return "Kannel: installed, but did not start"
        url = (
            f"http://127.0.0.1:{ports['http']}/cgi-bin/sendsms?username=bench&password=bench"
            "&to=%TO%&text=%TEXT%"
        )
        sender = smsbench.Running([str(binary), "http", "-url", url, "-n", str(count)], folder)
        accepted = sender.end().result["req_per_s"]
        delivered = centre.end().result
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
    return (
        f"Kannel, HTTP in, SMPP out, memory store, no reports: {accepted:,.0f} accepted/s, "
        f"{delivered['mean_per_s']:,.0f} delivered/s, {count - delivered['distinct']} missing"
    )


def _comes_up(port: int) -> bool:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False
