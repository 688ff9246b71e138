"""Light folding: what a text reads like, for matching only. What is sent stays untouched."""

import re
import unicodedata
from typing import Final

from msgspec import Struct


class Folded(Struct, frozen=True, gc=False):
    """A text made comparable."""

    text: str
    """NFKC, lower case, without invisible characters and without separators between ideographs."""
    disguised: bool
    """True when something was hidden that ordinary senders do not hide."""
    flat: str
    """Like `text`, but separators are kept: links and amounts are looked for here."""


_IDEOGRAPH: Final = "㐀-䶿一-鿿"
# Zero-width and bidirectional controls (RFC 3454 tables B.1, C.2, C.8), tags, fillers and C0/C1 controls.
# U+200D and the variation selectors also build ordinary emoji, so they alone are no disguise.
_INVISIBLE: Final = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"
)
_EMOJI_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")
_SEPARATOR: Final = "[ \\t.·•・_*|/~^`'+=-]"
# The separator stands first, so that the engine skips from one to the next.
_BETWEEN: Final = re.compile(f"{_SEPARATOR}(?<=[{_IDEOGRAPH}].){_SEPARATOR}{{0,7}}(?=[{_IDEOGRAPH}])")
_SPLIT: Final = re.compile(
    f"({_SEPARATOR})(?<=[{_IDEOGRAPH}].)[{_IDEOGRAPH}]\\1[{_IDEOGRAPH}]\\1[{_IDEOGRAPH}]"
)
_MATHEMATICAL: Final = re.compile("[\U0001d400-\U0001d7ff\U0001f130-\U0001f169]")


def fold(text: str) -> Folded:
    """`text` made comparable, and whether it hid something. Linear in the length; never raises."""
    disguised = False
    visible = text
    if _INVISIBLE.search(text):
        visible = _INVISIBLE.sub("", text)
        disguised = not _EMOJI_JOINERS.issuperset(_INVISIBLE.findall(text))
    if not disguised and _MATHEMATICAL.search(visible):
        disguised = True
    flat = unicodedata.normalize("NFKC", visible).lower()
    folded = _BETWEEN.sub("", flat)
    if not disguised and len(flat) - len(folded) >= 3 and _SPLIT.search(flat):
        disguised = True
    return Folded(folded, disguised, flat)
