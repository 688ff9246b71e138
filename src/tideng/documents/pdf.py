"""Papers: a typst template and data in, the bytes of an archival PDF out.

The data reach the template as one JSON value (`sys.inputs.data`), so text of people is data, never markup.
The same template, data and moment give the same bytes, so that a paper can be named by its hash.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
import typst

from tideng.documents.failures import PaperFailed

STANDARDS: Final = ("a-3b",)
"""PDF/A-3b (ISO 19005-3): what archives and courts keep."""
TEMPLATE_BYTES_MAX: Final = 1_000_000
DATA_BYTES_MAX: Final = 64_000_000
FONTS: Final = ("Noto Serif CJK SC", "Noto Sans CJK SC", "Source Han Serif SC", "Source Han Sans SC")
"""Families that hold the Chinese characters; templates name them in this order."""

PREAMBLE: Final = f"""\
#let data = json(bytes(sys.inputs.data))
#set text(font: ({", ".join(f'"{font}"' for font in FONTS)}), size: 10.5pt, lang: "zh", region: "cn")
#set page(paper: "a4", margin: (x: 22mm, y: 20mm), numbering: "1 / 1")
#set par(justify: true, leading: 0.7em)
"""
"""Put before every template: `data`, the fonts, A4."""


def render(template: str, data: Mapping[str, object], *, at: datetime, title: str = "Tideng") -> bytes:
    """A PDF/A-3b of `template` (typst markup, after `PREAMBLE`) filled with `data`, dated `at`.

    `data` must be plain JSON. Raises `PaperFailed`.
    """
    body = msgspec.json.encode(data)
    if len(template.encode()) > TEMPLATE_BYTES_MAX or len(body) > DATA_BYTES_MAX:
        raise PaperFailed(
            f"the paper's data have {len(body)} bytes; the limit is {DATA_BYTES_MAX}. Put less in."
        )
    head = f"#set document(title: {msgspec.json.encode(title).decode()})\n"
    try:
        made = typst.compile(
            (head + PREAMBLE + template).encode(),
            format="pdf",
            sys_inputs={"data": body.decode()},
            pdf_standards=list(STANDARDS),
            timestamp=int(at.timestamp()),
        )
    except (typst.TypstError, RuntimeError, ValueError) as error:
        raise PaperFailed(f"typst could not set the paper: {error}") from error
    if not isinstance(made, bytes):
        raise PaperFailed("typst made several files where one PDF was asked for")
    return made


def has_chinese_font() -> bool:
    """True if a font of `FONTS` is installed; without one, Chinese text prints as empty boxes."""
    return not set(FONTS).isdisjoint(str(family) for family in typst.Fonts().families())
