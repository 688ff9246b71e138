"""The law's arithmetic, as dated data and pure sums. Never a verdict on a person: an appraiser signs."""

from importlib.resources import files

SHIPPED = "rules-2017-10.toml"
SENSITIVE = "sensitive-2025-11.toml"


def shipped_rules() -> bytes:
    """The bytes of the rules in force that ship with this release."""
    return files("tideng.scan.law").joinpath(SHIPPED).read_bytes()


def shipped_categories() -> bytes:
    """The bytes of the categories of sensitive data that ship with this release."""
    return files("tideng.scan.law").joinpath(SENSITIVE).read_bytes()
