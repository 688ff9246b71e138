"""One finding in a text, and how findings that overlap are settled."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

RANK: Final = {
    # When two findings overlap, the kind with the harder evidence wins; then the longer, then the surer.
    "resident_id": 9,
    "credit_code": 8,
    "email": 8,
    "bank_card": 7,
    "imei": 7,
    "mac": 7,
    "password": 7,
    "mobile": 6,
    "landline": 6,
    "iot_number": 6,
    "passport": 6,
    "hk_macao_permit": 6,
    "taiwan_permit": 6,
    "military_id": 6,
    "plate": 6,
    "imsi": 6,
    "ipv6": 5,
    "ipv4": 5,
    "track": 5,
    "coordinates": 5,
    "wechat": 5,
    "qq": 5,
    "birth_date": 5,
    "account": 4,
    "address": 4,
    "name": 3,
}
KINDS: Final = (
    *RANK,
    "masked_resident_id",
    "masked_mobile",
    "masked_bank_card",
    "masked_name",
    "damaged_number",
)
"""Every kind a span can have. The masked and the damaged ones identify nobody by themselves: shown, not
counted.
"""


class Span(Struct, frozen=True, gc=False):
    """Characters start … end-1 of a text are of `kind`."""

    start: int
    end: int
    kind: str
    value: str
    """The characters themselves, as they stand in the text."""
    confidence: float
    """1.0: form and check character agree and the place is known; below 0.6: say so when you count it."""
    canonical: str = ""
    """The identifier without separators, in the form that is compared; "" when it is the value itself."""


def settle(spans: Iterable[Span]) -> list[Span]:
    """The spans that remain when every two of them are disjoint, in order of place."""
    order = sorted(spans, key=lambda s: (-RANK.get(s.kind, 2), s.start - s.end, -s.confidence, s.start))
    kept: list[Span] = []
    taken: set[int] = set()
    for span in order:
        places = range(span.start, span.end)
        if not any(place in taken for place in places):
            taken.update(places)
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)


class Cover:
    """Which characters of a text spans have taken: asked in the time that the question is long."""

    def __init__(self, size: int, spans: Iterable[Span]) -> None:
        self._taken = bytearray(size)
        for span in spans:
            self._taken[span.start : span.end] = b"\x01" * (span.end - span.start)

    def is_free(self, start: int, end: int) -> bool:
        """True if no span touches characters start … end-1."""
        return self._taken.find(1, start, end) < 0
