"""How fast a carrier may be fed: a token bucket, and a rate that learns from throttling answers. Pure."""

from typing import Final

BURST_S: Final = 0.1
"""The bucket holds this many seconds' worth of the rate: in any second at most 1.1 x the rate leaves."""
RATE_MIN_PER_S: Final = 1.0
"""Throttling never slows a carrier below this: a link that sends nothing cannot learn that it may again."""
CUT_EVERY_S: Final = 1.0
"""Throttling answers within this time of a cut belong to what was sent before it, and do not cut again."""
RAISE_PER_S: Final = 0.05
"""Additive increase: each second adds this share of the rate that was last found to be too fast. Beyond that
rate it adds this share of itself: what was too fast then no longer is, so the search may hurry."""
FORGET_FACTOR: Final = 10.0
"""The learned limit is dropped once it exceeds the rate that was too fast by this factor."""
MEASURE_S: Final = 1.0
"""The sending rate is measured over this long; while less has passed, over what has, but at least
`MEASURE_MIN_S`, so that the first burst of a window does not look like a slow second."""
MEASURE_MIN_S: Final = 0.1


class Pace:
    """Tokens for one carrier: configured throughput and AIMD limit, whichever is lower.

    Time is an argument (monotonic seconds). `throughput_per_s` 0 means no configured limit.
    """

    __slots__ = ("_at", "_counted", "_cut_at", "_learned", "_rate", "_since", "_tokens", "_too_fast", "limit")

    def __init__(self, throughput_per_s: float, now: float) -> None:
        self.limit = float(throughput_per_s)
        self._learned = 0.0
        self._too_fast = 0.0
        self._cut_at = now - CUT_EVERY_S
        self._at = now
        self._tokens = max(1.0, self.limit * BURST_S)
        self._since = now
        self._counted = 0
        self._rate = 0.0

    @property
    def rate_limit(self) -> float:
        """Segments per second in force; 0 when nothing limits."""
        if self._learned and self.limit:
            return min(self._learned, self.limit)
        return self._learned or self.limit

    def rate(self, now: float) -> float:
        """Segments per second actually taken lately."""
        span = now - self._since
        if span >= MEASURE_S:
            self._rate = self._counted / span
            self._since, self._counted = now, 0
            return self._rate
        return max(self._rate, self._counted / max(span, MEASURE_MIN_S))

    def free(self, now: float) -> int | None:
        """Segments that may leave now; None when nothing limits."""
        if not (self.limit or self._learned):
            return None
        self._refill(now)
        return int(self._tokens)

    def take(self, now: float) -> None:
        """One segment leaves. The caller has asked `free`."""
        if now - self._since >= MEASURE_S:
            self.rate(now)
        self._counted += 1
        if self.limit or self._learned:
            self._tokens -= 1.0

    def ready_in(self, now: float) -> float:
        """Seconds until one more segment may leave; 0 when it may now."""
        rate = self.rate_limit
        if not rate:
            return 0.0
        self._refill(now)
        return max(0.0, (1.0 - self._tokens) / rate)

    def throttled(self, now: float) -> bool:
        """The carrier said too fast: halve (once per `CUT_EVERY_S`) and spend what was saved up.

        True if this answer cut the rate.
        """
        if now - self._cut_at < CUT_EVERY_S:
            return False
        actual = self.rate(now)
        limit = self.rate_limit
        too_fast = min(actual, limit) if limit and actual else actual or limit
        self._too_fast = max(too_fast, 2 * RATE_MIN_PER_S)
        self._learned = max(RATE_MIN_PER_S, self._too_fast / 2)
        self._cut_at = self._at = now
        self._tokens = min(self._tokens, 0.0)
        return True

    def _refill(self, now: float) -> None:
        span = now - self._at
        if span <= 0.0:
            return
        self._at = now
        if self._learned:
            self._learned += span * max(self._too_fast, self._learned) * RAISE_PER_S
            if self._learned > self._too_fast * FORGET_FACTOR or self._learned > self.limit > 0.0:
                self._learned = 0.0
        rate = self.rate_limit
        self._tokens = min(self._tokens + span * rate, max(1.0, rate * BURST_S)) if rate else 1.0
