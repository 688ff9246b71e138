"""The law's arithmetic, as dated data and pure sums. Never a verdict on a person: an appraiser signs."""

from importlib.resources import files

SHIPPED = "rules-2017-10.toml"


def shipped_rules() -> bytes:
    """The bytes of the rules in force that ship with this release."""
    return files("tideng.scan.law").joinpath(SHIPPED).read_bytes()
