"""What `make run` installs is enough for the gateway: nothing of an extra is imported on its way up."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRAS = ("typst", "duckdb", "numba", "pyarrow", "ibis", "scipy", "sklearn", "pyspark", "playwright")
CHILD = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import asyncio
from tideng.assembly import Gateway
from tideng.cli.main import app
from tideng.gateway.settings import HttpDoorSettings, SmppDoorSettings
from tideng.settings import Loaded, Settings

async def main():
    settings = Settings(data=sys.argv[1], smpp=SmppDoorSettings(port=0), http=HttpDoorSettings(port=0))
    async with Gateway(Loaded(settings, {})) as gateway, gateway.http() as door:
        print(door.port > 0)

asyncio.run(main())
"""


def test_the_gateway_needs_no_extra(tmp_path: Path) -> None:
    base = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert not [name for name in EXTRAS if any(one.startswith(name) for one in base)]
    done = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {set(EXTRAS)!r}\n{CHILD}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr
