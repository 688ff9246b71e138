"""The policy: dated data that says what each finding leads to. Findings see, policy decides."""

import hashlib
import re
import tomllib
from functools import cached_property
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from tideng.gateway.messages import Micros
from tideng.gateway.registry.values import CATEGORIES, Category
from tideng.gateway.review.codes import CODES

Decision = Literal["send", "reschedule", "hold", "refuse"]
"""send: noted only. reschedule: sent when quiet hours are over. hold: a person decides. refuse: never."""

SEVERITY: Final[dict[str, int]] = {"send": 0, "reschedule": 1, "hold": 2, "refuse": 3}
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
UNLISTED: Final[Decision] = "hold"
"""What a code leads to that this policy does not name (architecture: fail closed towards people)."""

POLICY_BYTES_MAX: Final = 262_144
WINDOW_S_MAX: Final = 31 * 86_400
SEGMENTS_MAX: Final = 20


class PolicyProblem(ValueError):
    """The policy data cannot be used; the message names the key, the value and what is allowed."""


class FrequencyCap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most `count` messages of `category` from one principal to one recipient in `window_s` seconds."""

    category: Category
    count: int
    window_s: int


class Parameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers and lists the rules compare with."""

    licence_required: bool = True
    consent_categories: tuple[Category, ...] = ("commercial",)
    opt_out_wording_categories: tuple[Category, ...] = ("commercial",)
    segments_max: int = 10
    duplicate_window_s: int = 60
    public_numbers: tuple[str, ...] = ()
    """Numbers of public services that any text may name."""
    quiet_hours: dict[Category, str] = {}
    """Category to "HH:MM-HH:MM" at the recipient; may cross midnight."""
    utc_offset_minutes: dict[str, int] = {}
    """Country code to minutes east of UTC, for recipients outside the mainland. Others: the given zone."""
    frequency_caps: tuple[FrequencyCap, ...] = ()
    banned_words: dict[str, tuple[str, ...]] = {}
    """Family to words; the text is folded before they are looked for."""


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    valid_from: str
    actions: dict[str, Decision | dict[str, Decision]]
    parameters: Parameters = Parameters()


class Policy(Struct, frozen=True, kw_only=True, dict=True, eq=False):
    """One policy, checked and ready. Two policies are the same when their `hash` is."""

    version: str
    valid_from: str
    hash: str
    """SHA-256 hex of the exact bytes it was read from."""
    parameters: Parameters
    decisions: dict[tuple[str, str], Decision]
    """(code, category) to decision, for every listed code and every category, and "" for none."""

    def decide(self, code: str, category: str) -> Decision | None:
        """What `code` leads to in a message of `category`; None when this policy does not name it."""
        return self.decisions.get((code, category))

    @cached_property
    def memory_us(self) -> Micros:
        """How far back the review wants to know earlier messages to a recipient, in µs."""
        caps = [cap.window_s for cap in self.parameters.frequency_caps]
        return max([self.parameters.duplicate_window_s, *caps]) * SECOND

    @cached_property
    def quiet_minutes(self) -> dict[str, tuple[int, int]]:
        """Category to first and last+1 quiet minute of the day."""
        return {name: _clock_span(span) for name, span in self.parameters.quiet_hours.items()}

    @cached_property
    def caps(self) -> dict[str, tuple[FrequencyCap, ...]]:
        """Category to its caps."""
        every = self.parameters.frequency_caps
        return {name: tuple(cap for cap in every if cap.category == name) for name in CATEGORIES}

    @cached_property
    def banned(self) -> re.Pattern[str] | None:
        """One pattern over all banned words; None when there are none."""
        words = sorted({word.lower() for words in self.parameters.banned_words.values() for word in words})
        # Longer words first, so that what was seen is named fully.
        words.sort(key=len, reverse=True)
        return re.compile("|".join(map(re.escape, words))) if words else None


_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _clock_span(span: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(span)
    if match is None:
        raise PolicyProblem(f'quiet hours are {span!r}; write "HH:MM-HH:MM", such as "21:00-08:00"')
    hour, minute, end_hour, end_minute = map(int, match.groups())
    return hour * 60 + minute, end_hour * 60 + end_minute


def load_policy(data: bytes) -> Policy:
    """The policy in these TOML bytes. Raises `PolicyProblem` naming the first thing that is wrong."""
    if len(data) > POLICY_BYTES_MAX:
        raise PolicyProblem(f"policy has {len(data)} bytes; limit is {POLICY_BYTES_MAX}. Shorten its lists.")
    try:
        raw: dict[str, Any] = tomllib.loads(data.decode())  # Any: not yet checked
        file = msgspec.convert(raw, _File)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyProblem(f"policy is not TOML in UTF-8: {error}") from error
    except msgspec.ValidationError as error:
        raise PolicyProblem(f"policy: {error}") from error
    _check(file.parameters)
    policy = Policy(
        version=file.version,
        valid_from=file.valid_from,
        hash=hashlib.sha256(data).hexdigest(),
        parameters=file.parameters,
        decisions=_decisions(file.actions),
    )
    _ = policy.quiet_minutes, policy.memory_us, policy.caps, policy.banned
    return policy


def _decisions(actions: dict[str, Decision | dict[str, Decision]]) -> dict[tuple[str, str], Decision]:
    decisions: dict[tuple[str, str], Decision] = {}
    for code, action in actions.items():
        if code not in CODES:
            raise PolicyProblem(f"actions.{code}: no such finding code. docs/findings.md lists them.")
        by_category = {"default": action} if isinstance(action, str) else action
        if "default" not in by_category:
            raise PolicyProblem(f'actions.{code}: needs a "default" besides its categories')
        for name in by_category:
            if name != "default" and name not in CATEGORIES:
                raise PolicyProblem(
                    f"actions.{code}.{name}: no such category; known: {', '.join(CATEGORIES)}"
                )
        for name in ("", *CATEGORIES):
            decision = by_category.get(name, by_category["default"])
            if decision == "reschedule" and code != "QUIET_HOURS":
                raise PolicyProblem(f"actions.{code}: only QUIET_HOURS can lead to reschedule; use hold")
            decisions[code, name] = decision
    return decisions


def _check(given: Parameters) -> None:
    if not 1 <= given.segments_max <= SEGMENTS_MAX:
        raise PolicyProblem(
            f"parameters.segments_max is {given.segments_max}; allowed is 1 to {SEGMENTS_MAX}"
        )
    if not 0 <= given.duplicate_window_s <= WINDOW_S_MAX:
        raise PolicyProblem(
            f"parameters.duplicate_window_s is {given.duplicate_window_s}; allowed is 0 to {WINDOW_S_MAX}"
        )
    for cap in given.frequency_caps:
        if cap.count < 1 or not 1 <= cap.window_s <= WINDOW_S_MAX:
            raise PolicyProblem(
                f"parameters.frequency_caps: {cap.count} in {cap.window_s} s; allowed is at least 1 "
                f"in 1 to {WINDOW_S_MAX} s"
            )
    for code, minutes in given.utc_offset_minutes.items():
        if not (code.isascii() and code.isdigit() and -720 <= minutes <= 840):
            raise PolicyProblem(f"parameters.utc_offset_minutes.{code} is {minutes}; allowed is -720 to 840")
    for family, words in given.banned_words.items():
        if not words or not all(len(word) >= 2 for word in words):
            raise PolicyProblem(f"parameters.banned_words.{family}: needs words of two characters or more")
