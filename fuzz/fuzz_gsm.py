"""Octets to text in every alphabet: text, or the alphabet's own error; and back to the same text."""

from tideng.text import gsm
from tideng.text.alphabets import Alphabet, Undecodable, alphabet_of, decode, encode

SEEDS = [
    gsm.encode("hello €[]{} èé"),
    "提灯😀".encode("utf-16-be"),
    b"\xff\xfe" + "提灯".encode("utf-16-le"),
    b"\x1b\x1b\x41\x1b",
    "garçon 提".encode(),
]


def fuzz_one(data: bytes) -> None:
    """Each alphabet, and the one the first octet means as data_coding."""
    for alphabet in {*Alphabet, alphabet_of(data[0] if data else 0, Alphabet.GSM)}:
        try:
            text = decode(data, alphabet)
        except Undecodable:
            continue
        again = decode(encode(text, alphabet), alphabet)
        # A text that begins with a byte order mark behind a byte order mark loses the second one too.
        if again != text and not text.startswith(("\ufeff", "\ufffe")):
            raise ValueError(f"{alphabet.value} does not come back")
