"""How long what is personal is kept: dated policy data, read and checked. Pure."""

import tomllib
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

DAY_US = 86_400_000_000
SMS_FLOOR_DAYS = 183
"""Six months: records of messages (通信短信息服务管理规定)."""
HANDLING_FLOOR_DAYS = 1_095
"""Three years: records of how personal data were handled (PIPL art. 56; 网络数据安全管理条例 art. 12)."""


class RetentionInvalid(ValueError):
    """The policy cannot be used. The message names the class and the limit."""


class Class(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of record: the law's least, how long we keep it, and why."""

    floor_days: Annotated[int, Meta(ge=0)]
    keep_days: Annotated[int, Meta(ge=1)]
    basis: str


class RetentionPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the policy."""

    version: str
    since: str
    message: Class
    reply: Class
    consent: Class


class Loaded(Struct, frozen=True):
    """A policy and the hash that names it in the ledger."""

    policy: RetentionPolicy
    hash: str


def load_retention(content: bytes) -> Loaded:
    """Read a policy. `RetentionInvalid` if it keeps anything shorter than the law's least."""
    try:
        policy = msgspec.convert(tomllib.loads(content.decode()), RetentionPolicy)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RetentionInvalid(f"the retention policy is malformed: {error}") from error
    least = {"message": SMS_FLOOR_DAYS, "reply": SMS_FLOOR_DAYS, "consent": HANDLING_FLOOR_DAYS}
    for name, days in least.items():
        each: Class = getattr(policy, name)
        floor = max(days, each.floor_days)
        if each.keep_days < floor:
            raise RetentionInvalid(
                f"{name} is kept {each.keep_days} days; the least is {floor}. Raise keep_days."
            )
    return Loaded(policy, sha256(content).hexdigest())
