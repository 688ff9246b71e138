"""The policy file: read, checked, hashed."""

import hashlib

import pytest

from tideng.gateway.review.policies import bundled_policy
from tideng.gateway.review.policy import PolicyProblem, load_policy

HEAD = 'version = "t"\nvalid_from = "2026-01-01"\n'


def test_the_hash_is_of_the_exact_bytes() -> None:
    data = bundled_policy()
    assert load_policy(data).hash == hashlib.sha256(data).hexdigest()
    assert load_policy(data + b"\n").hash != load_policy(data).hash


def test_actions_by_category() -> None:
    policy = load_policy((HEAD + '[actions]\nTHREAT = { default = "hold", debt = "refuse" }').encode())
    assert [policy.decide("THREAT", c) for c in ("", "notice", "debt")] == ["hold", "hold", "refuse"]
    assert policy.decide("DUPLICATE", "notice") is None


def test_memory_reaches_as_far_as_the_longest_window() -> None:
    assert load_policy(bundled_policy()).memory_us == 86_400_000_000
    assert load_policy((HEAD + "[actions]").encode()).memory_us == 60_000_000


def test_no_bundled_policy_of_that_name() -> None:
    with pytest.raises(FileNotFoundError):
        bundled_policy("cn-1999")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff", "not TOML"),
        (b"a = ", "not TOML"),
        (b'valid_from = ""\n[actions]', "version"),
        ((HEAD + "[actions]\nNO_SUCH = 'hold'").encode(), "NO_SUCH"),
        ((HEAD + "[actions]\nTHREAT = 'block'").encode(), "THREAT|block|Invalid"),
        ((HEAD + "[actions]\nTHREAT = 'reschedule'").encode(), "QUIET_HOURS"),
        ((HEAD + "[actions]\nTHREAT = { debt = 'hold' }").encode(), "default"),
        ((HEAD + "[actions]\nTHREAT = { default = 'hold', dept = 'hold' }").encode(), "dept"),
        ((HEAD + "[actions]\n[parameters]\nsegment_max = 3").encode(), "segment_max"),
        ((HEAD + "[actions]\n[parameters]\nsegments_max = 99").encode(), "99"),
        ((HEAD + "[actions]\n[parameters]\nduplicate_window_s = -1").encode(), "-1"),
        ((HEAD + "[actions]\n[parameters.quiet_hours]\ndebt = '22-8'").encode(), "22-8"),
        ((HEAD + "[actions]\n[parameters.quiet_hours]\nnight = '22:00-08:00'").encode(), "night|Invalid"),
        ((HEAD + "[actions]\n[parameters.banned_words]\nx = ['a']").encode(), "two characters"),
        ((HEAD + "[actions]\n[parameters.utc_offset_minutes]\n1 = 9999").encode(), "9999"),
        (
            (
                HEAD + "[actions]\n[[parameters.frequency_caps]]\ncategory='debt'\ncount=0\nwindow_s=1"
            ).encode(),
            "at least 1",
        ),
        (b"#" * 300_000, "300000"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, says: str) -> None:
    with pytest.raises(PolicyProblem, match=says):
        load_policy(data)
