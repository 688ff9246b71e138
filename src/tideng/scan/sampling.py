"""How many to check, which ones, and what the checks prove: exact, planned before drawing. Pure.

Zero-failure and few-failure plans by the hypergeometric distribution; results by Clopper and Pearson
(binomial, exact), and by the hypergeometric bound for the population at hand. No plan here means calling
the people concerned.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from math import comb, exp, lgamma, log
from typing import Final

from msgspec import Struct

SAMPLE_MAX: Final = 1_000_000


class Plan(Struct, frozen=True, kw_only=True):
    """What will be drawn and what it shall show; committed to the ledger before drawing."""

    stratum: str
    population: int
    confidence: float
    """Such as 0.95."""
    share: float
    """To be shown: at least this share of the population is genuine."""
    failures_allowed: int
    size: int
    """How many to draw so that at most `failures_allowed` failures prove it."""


class Bound(Struct, frozen=True):
    """What a checked sample proves."""

    sample: int
    genuine: int
    confidence: float
    low: float
    """One-sided: with this confidence at least this share is genuine."""
    low_two_sided: float
    high_two_sided: float
    genuine_least: int
    """Of the population, at least so many (exact, hypergeometric)."""


def plan(
    stratum: str, population: int, *, confidence: float, share: float, failures_allowed: int = 0
) -> Plan:
    """The smallest sample that can prove `share` with `confidence` when at most so many failures turn up.

    ValueError when even checking everything could not (too many failures allowed), or for numbers out of
    range.
    """
    if not (0 < confidence < 1 and 0 < share < 1 and population > 0 and failures_allowed >= 0):
        raise ValueError(
            "population must be positive, confidence and share between 0 and 1, failures not negative"
        )
    # Worst case of the claim being false: one genuine item too few.
    false_items = population - _ceil(share * population) + 1
    low, high = failures_allowed + 1, population
    if false_items <= failures_allowed:
        raise ValueError(f"{failures_allowed} failures among {population} can not prove a share of {share}")
    while low < high:
        middle = (low + high) // 2
        if _at_most(failures_allowed, population, false_items, middle) <= 1 - confidence:
            high = middle
        else:
            low = middle + 1
    return Plan(
        stratum=stratum,
        population=population,
        confidence=confidence,
        share=share,
        failures_allowed=failures_allowed,
        size=low,
    )


def _ceil(value: float) -> int:
    # 0.95 × 100 is 95.00000000000001 in floating point; a claim of 95 % of 100 means 95.
    whole = round(value)
    return whole if abs(value - whole) < 1e-9 else int(value) + 1


def _at_most(failures: int, population: int, false_items: int, size: int) -> float:
    """P(at most `failures` false items in a sample of `size`), hypergeometric."""
    return sum(
        _hypergeometric(k, population, false_items, size) for k in range(min(failures, size, false_items) + 1)
    )


def _hypergeometric(k: int, population: int, marked: int, size: int) -> float:
    if k > marked or size - k > population - marked or k > size:
        return 0.0
    return exp(_lchoose(marked, k) + _lchoose(population - marked, size - k) - _lchoose(population, size))


def _lchoose(n: int, k: int) -> float:
    if n < 60:
        return log(comb(n, k))
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def draw(seed: bytes, stratum: str, population: int) -> Iterator[int]:
    """Places 0 … population-1 in a random order that `seed` fixes: the first n are the sample, the next
    continue it.

    A Fisher–Yates shuffle, lazily; each step takes 128 bits of HMAC-SHA-256(seed, stratum ‖ counter), so
    anybody with the seed gets the same order, and nobody without it can choose whom to meet.
    """
    moved: dict[int, int] = {}
    for step in range(population):
        left = population - step
        chosen = step + _number(seed, stratum, step) % left
        yield moved.get(chosen, chosen)
        moved[chosen] = moved.get(step, step)


def _number(seed: bytes, stratum: str, step: int) -> int:
    # 128 bits modulo a population below 2^40: the bias is under 2^-88.
    return int.from_bytes(hmac.digest(seed, f"{stratum}\0{step}".encode(), "sha256")[:16], "big")


def seed_commitment(seed: bytes) -> str:
    """What the ledger holds before the draw: SHA-256 of the seed, in hex."""
    return hashlib.sha256(b"tideng sampling seed\0" + seed).hexdigest()


def bound(sample: int, genuine: int, population: int, confidence: float = 0.95) -> Bound:
    """What `genuine` of `sample` prove about `population`."""
    if not 0 <= genuine <= sample <= population or sample == 0:
        raise ValueError(f"{genuine} genuine of {sample} from {population} is no sample")
    alpha = 1 - confidence
    return Bound(
        sample=sample,
        genuine=genuine,
        confidence=confidence,
        low=_lower(genuine, sample, alpha),
        low_two_sided=_lower(genuine, sample, alpha / 2),
        high_two_sided=1 - _lower(sample - genuine, sample, alpha / 2),
        genuine_least=_least(population, sample, sample - genuine, alpha),
    )


def _lower(successes: int, trials: int, alpha: float) -> float:
    """Clopper–Pearson: the p at which so many successes or more have probability alpha."""
    if successes == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _upper_tail(successes, trials, middle) < alpha else (low, middle)
    return low


def _upper_tail(successes: int, trials: int, p: float) -> float:
    if p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    terms = (
        _lchoose(trials, k) + k * log(p) + (trials - k) * log(1 - p) for k in range(successes, trials + 1)
    )
    return min(1.0, sum(exp(term) for term in terms))


def _least(population: int, sample: int, failures: int, alpha: float) -> int:
    """The fewest genuine items that are still compatible with what was seen (probability above alpha)."""
    low, high = failures, population - (sample - failures)
    while low < high:
        middle = (low + high + 1) // 2
        if _at_most(failures, population, middle, sample) > alpha:
            low = middle
        else:
            high = middle - 1
    return population - low


def confidence_of(
    confidence: float, *, strata: int = 1, stage: int = 0, is_sequential: bool = False
) -> float:
    """How sure one draw must be, so that all draws together are as sure as `confidence`.

    The chance of error is divided among the strata (Bonferroni). If a draw may be continued when it fails,
    half of it is spent on the first look, a quarter on the second, and so on: looking again is another chance
    to err.
    """
    error = (1 - confidence) / strata
    return 1 - error / 2 ** (stage + 1) if is_sequential else 1 - error


def continued(first: Plan, failures: int, stage: int = 1) -> Plan:
    """The longer sample when more failures turned up than the plan allowed: same claim, same order, further
    on.

    `first.confidence` is that of the first look (`confidence_of`); each later look spends half of the error
    that the one before it did.
    """
    return plan(
        first.stratum,
        first.population,
        confidence=1 - (1 - first.confidence) / 2**stage,
        share=first.share,
        failures_allowed=failures,
    )


def total_bound(parts: Mapping[str, Bound]) -> int:
    """At least so many genuine in all strata together, with the confidence of the weakest divided among them.

    Each stratum's bound must have been computed with 1 − alpha ÷ number of strata (Bonferroni).
    """
    return sum(part.genuine_least for part in parts.values())
