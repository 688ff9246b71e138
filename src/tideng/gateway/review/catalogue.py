"""How one finding code is explained: what was seen, why it matters, what to do. In Chinese and English."""

from typing import Literal

from msgspec import Struct

Family = Literal[
    "CUSTOMER",
    "CODE_NUMBER",
    "SIGNATURE",
    "TEMPLATE",
    "CONSENT",
    "OPTED_OUT",
    "CONTENT",
    "RECIPIENT",
    "FREQUENCY",
    "DUPLICATE",
    "LINK",
    "OTHER",
]
"""What kind of thing is wrong: decides the SMPP vendor status a refused submit is answered with."""


class Code(Struct, frozen=True, gc=False):
    """One public finding code. The name is never changed and never used for something else."""

    code: str
    family: Family
    seen_zh: str
    seen_en: str
    why_zh: str
    why_en: str
    next_zh: str
    next_en: str
