"""Verdict policies that come with the package, as data. Finding their bytes is the only I/O here."""

from importlib.resources import files
from typing import Final

CURRENT: Final = "cn-2026"


def bundled_verdict_policy(name: str = CURRENT) -> bytes:
    """The exact bytes of a policy that comes with the package. Raises FileNotFoundError for another name."""
    return (files(__name__) / f"{name}.toml").read_bytes()
