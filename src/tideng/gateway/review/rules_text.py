"""Content rules: what a text says, whoever sends it. They need the reading only, and are kept with it."""

from collections.abc import Iterator

from tideng.gateway.review.reading import Reading
from tideng.gateway.review.values import Finding

Found = Iterator[Finding]


def empty(reading: Reading) -> Found:
    """TEXT_EMPTY: nothing but a signature, spaces or invisible characters."""
    if not reading.folded.strip():
        yield Finding("TEXT_EMPTY")


def disguised(reading: Reading) -> Found:
    """DISGUISED_LETTERS: invisible characters, look-alike letters or words cut by symbols."""
    if reading.disguised:
        yield Finding("DISGUISED_LETTERS")


def signature_missing(reading: Reading) -> Found:
    """SIGNATURE_MISSING: no 【brand】 at head or tail, and the customer has no default one."""
    if not reading.signature:
        yield Finding("SIGNATURE_MISSING", reading.body[:12])


def signature_in_body(reading: Reading) -> Found:
    """SIGNATURE_IN_BODY: another 【 or 】 behind the signature; platforms refuse it."""
    if reading.signature and ("【" in reading.body or "】" in reading.body):
        yield Finding("SIGNATURE_IN_BODY")


def debt_demand(reading: Reading) -> Found:
    """DEBT_DEMAND: debt words with an amount or a threat, and pressure to pay."""
    if reading.demands_debt:
        yield Finding("DEBT_DEMAND", " / ".join((reading.debt, *reading.amounts[:2])))


def discount_to_settle(reading: Reading) -> Found:
    """DISCOUNT_TO_SETTLE: pay less now and the debt is gone."""
    if reading.discount:
        yield Finding("DISCOUNT_TO_SETTLE", reading.discount)


def threat(reading: Reading) -> Found:
    """THREAT: law suits, visits, black lists, telling relatives, arrest."""
    if reading.threat:
        yield Finding("THREAT", reading.threat)


def deadline_pressure(reading: Reading) -> Found:
    """DEADLINE_PRESSURE: something is lost unless the reader acts by a time."""
    if reading.pressure:
        yield Finding("DEADLINE_PRESSURE", reading.pressure)


def banned_category(reading: Reading) -> Found:
    """BANNED_CATEGORY: a word of a family the large platforms do not carry."""
    if reading.banned:
        yield Finding("BANNED_CATEGORY", reading.banned)


def ask_for_code(reading: Reading) -> Found:
    """ASK_FOR_CODE: the reader shall hand a one-time code to somebody."""
    if reading.asks_for_code:
        yield Finding("ASK_FOR_CODE", reading.asks_for_code)


def authority_claim(reading: Reading) -> Found:
    """AUTHORITY_CLAIM: names an authority and accuses or threatens the reader."""
    if reading.authority and reading.accused:
        yield Finding("AUTHORITY_CLAIM", f"{reading.authority} / {reading.accused}")


RULES = (
    empty,
    disguised,
    signature_missing,
    signature_in_body,
    debt_demand,
    discount_to_settle,
    threat,
    deadline_pressure,
    banned_category,
    ask_for_code,
    authority_claim,
)


def content_findings(reading: Reading) -> tuple[Finding, ...]:
    """What every content rule sees, in the order of `RULES`."""
    return tuple(finding for rule in RULES for finding in rule(reading))
