"""Routes: who is asked first, who next, and when again."""

from hypothesis import given
from hypothesis import strategies as st

from tideng.gateway.carriers.outcomes import CLASSES, classify
from tideng.gateway.carriers.routes import (
    JITTER_SHARE,
    RETRIES,
    SECOND,
    ErrorClass,
    Route,
    choose,
    expired,
    next_attempt,
)
from tideng.gateway.messages import Outbound
from tideng.gateway.wire.smpp.statuses import BACK_OFF, TEMPORARY, Status


def outbound(id: int = 1, recipient: str = "8613800000000", **fields: object) -> Outbound:
    values: dict[str, object] = {
        "id": id,
        "customer": "c1",
        "principal": "p",
        "category": "notice",
        "recipient": recipient,
        "code_number": "106900",
        "text": "hello",
        "received_at": 0,
        "valid_until": 0,
    }
    return Outbound(**(values | fields))  # type: ignore[arg-type]


def check(routes: list[Route], *carriers: str, operator: str = "", **fields: object) -> None:
    """The one place that calls `choose` for the plain cases."""
    assert choose(routes, outbound(**fields), operator=operator) == carriers  # type: ignore[arg-type]


def test_no_route() -> None:
    check([])


def test_everyone_fits_an_empty_route() -> None:
    check([Route(carrier="a")], "a")


def test_other_prefix() -> None:
    check([Route(carrier="a", prefix="49")])


def test_other_customer() -> None:
    check([Route(carrier="a", customer="c2")])


def test_other_category() -> None:
    check([Route(carrier="a", category="commercial")])


def test_operator_unknown() -> None:
    check([Route(carrier="a", operator="cmcc")])


def test_operator() -> None:
    check([Route(carrier="a", operator="cmcc")], "a", operator="cmcc")


def test_longest_prefix_then_priority_then_failover() -> None:
    routes = [
        Route(carrier="default"),
        Route(carrier="china-2", prefix="86", priority=2),
        Route(carrier="china-1", prefix="86", priority=1),
        Route(carrier="mobile", prefix="86138", priority=9),
        Route(carrier="germany", prefix="49"),
    ]
    check(routes, "mobile", "china-1", "china-2", "default")


def test_a_carrier_is_asked_once() -> None:
    check([Route(carrier="a"), Route(carrier="a", prefix="86"), Route(carrier="b", priority=1)], "a", "b")


def test_weight_zero_waits_for_the_others() -> None:
    routes = [Route(carrier="standby", weight=0), Route(carrier="a"), Route(carrier="b")]
    assert {choose(routes, outbound(id))[-1] for id in range(200)} == {"standby"}


def test_spread_follows_the_weights() -> None:
    routes = [Route(carrier="a", weight=3), Route(carrier="b", weight=1)]
    first = [choose(routes, outbound(id))[0] for id in range(4000)]
    assert 0.72 < first.count("a") / len(first) < 0.78


def test_removing_a_carrier_moves_only_its_messages() -> None:
    three = [Route(carrier=name) for name in "abc"]
    for id in range(300):
        order = choose(three, outbound(id))
        assert choose(three[:2], outbound(id)) == tuple(name for name in order if name != "c")


ROUTES = st.lists(
    st.builds(
        Route,
        carrier=st.sampled_from("abcd"),
        prefix=st.sampled_from(["", "8", "86", "86138", "49"]),
        category=st.sampled_from(["", "notice", "debt"]),
        customer=st.sampled_from(["", "c1", "c2"]),
        priority=st.integers(1, 3),
        weight=st.integers(0, 3),
    ),
    max_size=12,
)


@given(ROUTES, st.integers(0, 2**63 - 1), st.randoms(use_true_random=False))
def test_order_depends_on_nothing_but_the_routes_and_the_message(
    routes: list[Route], id: int, random
) -> None:
    order = choose(routes, outbound(id))
    fitting = [
        r
        for r in routes
        if "8613800000000".startswith(r.prefix) and r.category != "debt" and r.customer != "c2"
    ]
    assert sorted(order) == sorted({r.carrier for r in fitting})
    shuffled = list(routes)
    random.shuffle(shuffled)
    assert choose(shuffled, outbound(id)) == order
    rank = {name: min((-len(r.prefix), r.priority) for r in fitting if r.carrier == name) for name in order}
    assert [rank[name] for name in order] == sorted(rank.values())


@given(
    st.sampled_from(list(ErrorClass)),
    st.integers(1, 20_000),
    st.integers(0, 10**16),
    st.integers(0, 10**12),
    st.floats(0, 1000),
    st.integers(0, 2**63 - 1),
)
def test_next_attempt_is_later_bounded_and_within_validity(
    error: ErrorClass, attempt: int, now: int, life: int, wish_s: float, id: int
) -> None:
    message = outbound(id, valid_until=now + life if life else 0)
    at = next_attempt(message, error, attempt=attempt, now=now, wish_s=wish_s)
    if at is None:
        assert attempt >= RETRIES[error].attempts_max or life
        return
    longest = max(wish_s, *RETRIES[error].delays_s)
    assert now + int(wish_s * SECOND) <= at <= now + int(longest * (1 + JITTER_SHARE) * SECOND) + 1
    assert not expired(message, at)


def test_a_permanent_error_is_not_retried() -> None:
    assert next_attempt(outbound(), ErrorClass.PERMANENT, attempt=1, now=0) is None


def test_every_class_has_a_schedule() -> None:
    assert set(RETRIES) == set(ErrorClass)
    assert all(retry.delays_s or retry.attempts_max == 1 for retry in RETRIES.values())


def test_statuses_agree_with_the_wire() -> None:
    """The wire says which statuses are temporary and which ask to slow down; the table agrees."""
    assert {status for status, kind in CLASSES.items() if kind is ErrorClass.THROTTLE} == BACK_OFF
    assert {s for s, kind in CLASSES.items() if kind is not ErrorClass.LINK} == TEMPORARY
    assert classify(0x0401) is ErrorClass.PERMANENT
    assert classify(Status.ESME_RINVDSTADR) is ErrorClass.PERMANENT
