"""The signature: the brand in 【】 at the head of a text, or at its tail, as some send it."""

from typing import Final

SIGNATURE_CHARACTERS_MAX: Final = 40
"""Longer is no brand but text in brackets; platforms allow 12 to 16."""


def read_signature(text: str) -> tuple[str | None, str]:
    """The signature without brackets, and the rest of the text; (None, text) when there is none.

    Only 【 and 】 count (carriers file nothing else); look-alikes such as 〔〕, [] or 〖〗 are no signature.
    An inner 【 makes it none either: nobody could say which brand speaks.
    """
    stripped = text.strip()
    if stripped.startswith("【"):
        end = stripped.find("】", 1, SIGNATURE_CHARACTERS_MAX + 2)
        name = stripped[1:end].strip() if end > 0 else ""
        if name and "【" not in name:
            return name, stripped[end + 1 :].strip()
        return None, text
    if stripped.endswith("】"):
        start = stripped.rfind("【", max(0, len(stripped) - SIGNATURE_CHARACTERS_MAX - 2))
        name = stripped[start + 1 : -1].strip() if start >= 0 else ""
        if name and "】" not in name:
            return name, stripped[:start].strip()
    return None, text
