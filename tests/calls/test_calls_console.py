"""The console as its own process, and beside a watch: where it listens, how it ends, what it refuses."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from tideng.cli.main import app


def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    words = ["--data", str(tmp_path), "calls", "console", "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "tideng", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = ""
        while not told.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, "it ended early"
            told += line
        where = json.loads(told)["console"]
        answer = httpx.get(where, trust_env=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fcalls")
        page = httpx.get(where.removesuffix("/calls") + "/sign-in", trust_env=False)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.parametrize("listen", ["8091", "127.0.0.1:", "127.0.0.1:x", ":80", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, listen: str) -> None:
    done = CliRunner().invoke(app, ["--data", str(tmp_path), "calls", "console", "--listen", listen])
    assert done.exit_code == 2
    assert "give HOST:PORT" in done.stderr.replace("\n", " ")


def test_a_watch_shows_its_alarms_beside_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    words = ["watch", str(tmp_path / "spool"), "--once", "--console", "127.0.0.1:0"]
    done = CliRunner().invoke(app, ["--data", str(tmp_path / "data"), "calls", *words])
    assert done.exit_code == 0, done.output
    assert "/calls" in done.stderr


def test_an_address_in_use_ends_the_watch_with_a_sentence(tmp_path: Path) -> None:
    import socket

    (tmp_path / "spool").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for words in (
            ["watch", str(tmp_path / "spool"), "--once", "--console", address],
            ["console", "--listen", address],
        ):
            done = CliRunner().invoke(app, ["--data", str(tmp_path / "data"), "calls", *words])
            assert done.exit_code == 2
            assert "is another program using it" in " ".join(done.stderr.split())


def test_figures_that_cannot_be_end_the_console_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data" / "calls").mkdir(parents=True)
    (tmp_path / "data" / "calls" / "losses.toml").write_text("x = 1")
    done = CliRunner().invoke(app, ["--data", str(tmp_path / "data"), "calls", "console"])
    assert done.exit_code == 2
    assert "losses.toml" in done.stderr
