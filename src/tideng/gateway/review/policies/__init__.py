"""Policies that come with the package, as data. Reading the file is the only I/O of the review's folder."""

from importlib.resources import files
from typing import Final

CURRENT: Final = "cn-2026"


def bundled_policy(name: str = CURRENT) -> bytes:
    """The exact bytes of a policy that comes with the package. Raises FileNotFoundError for another name."""
    return (files(__name__) / f"{name}.toml").read_bytes()
