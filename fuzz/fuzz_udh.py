"""User data headers, and texts split and joined again."""

from tideng.text.alphabets import Alphabet, best_alphabet
from tideng.text.concatenation import Concatenation, MalformedUdh, join, read_udh, write_udh
from tideng.text.segments import TooLong, split

SEEDS = [
    write_udh(Concatenation(0xAB, 8, 3, 2)) + "提灯".encode("utf-16-be"),
    write_udh(Concatenation(0xABCD, 16, 255, 255)) + b"hello",
    bytes.fromhex("0B0504123456780003AB0302") + b"hello",
    "👨‍👩‍👧‍👦🇨🇳e\u0301\r\n€[]".encode() * 20,
]


def fuzz_one(data: bytes) -> None:
    """A header is read or malformed; the octets as text split within the limits and join to themselves."""
    try:
        udh, body = read_udh(data)
    except MalformedUdh:
        pass
    else:
        if not data.endswith(body) or len(udh.elements) > 127:
            raise ValueError("the header took what is not its own")
    text = data.decode("utf-8", "ignore").lstrip("\ufeff")
    alphabet = best_alphabet(text)
    try:
        segments = split(text, alphabet=alphabet, reference=len(data))
    except TooLong:
        return
    bodies = {one.index: read_udh(one.octets)[1] if one.has_udh else one.octets for one in segments}
    room = 160 if alphabet is Alphabet.GSM else 140
    if join(bodies, alphabet) != text or any(len(body) > room for body in bodies.values()):
        raise ValueError("split and join differ, or a part is over its limit")
