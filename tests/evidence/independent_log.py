"""Reads a tlog-tiles log, written from c2sp.org and RFC 6962 / 9162 alone; shares nothing with the program.

It takes a function from path to bytes (or None), as a web server would answer, and trusts only a key.
"""

import base64
import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Fetch = Callable[[str], "bytes | None"]


class Rejected(Exception):
    """The log is not what it claims to be."""


def need(condition: bool, why: str) -> None:
    if not condition:
        raise Rejected(why)


def digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1, over leaf hashes, by its recursive definition."""
    if not hashes:
        return digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return digest(b"\x01", mth(hashes[:k]), mth(hashes[k:]))


def tile_name(level: str, n: int, width: int) -> str:
    digits = str(n)
    while len(digits) % 3:
        digits = "0" + digits
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join(["x" + g for g in groups[:-1]] + [groups[-1]])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else "")


def checkpoint(note: bytes, name: str, public: bytes) -> tuple[str, int, bytes]:
    """(origin, size, root) of a checkpoint signed by this key; c2sp.org/signed-note, tlog-checkpoint."""
    text, _, signatures = note.decode().rpartition("\n\n")
    text += "\n"
    key_id = digest(name.encode(), b"\n\x01", public)[:4]
    signed = False
    for line in signatures.splitlines():
        dash, who, blob = line.split(" ")
        need(dash == "—", "not a signature line")
        raw = base64.b64decode(blob, validate=True)
        if who == name and raw[:4] == key_id:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
            signed = True
    need(signed, "not signed by the key")
    origin, size, root = text.split("\n")[:3]
    need(size == str(int(size)), "size has leading zeros")
    return origin, int(size), base64.b64decode(root, validate=True)


def cosignature_time(note: bytes, name: str, public: bytes) -> int:
    """When a witness cosigned; c2sp.org/tlog-cosignature, Ed25519."""
    text, _, signatures = note.decode().rpartition("\n\n")
    text += "\n"
    key_id = digest(name.encode(), b"\n\x04", public)[:4]
    for line in signatures.splitlines():
        _, who, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        if who == name and raw[:4] == key_id:
            seen = int.from_bytes(raw[4:12], "big")
            message = f"cosignature/v1\ntime {seen}\n{text}".encode()
            Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], message)
            return seen
    raise Rejected("no cosignature by this witness")


def widths(size: int, level: int) -> list[tuple[int, int]]:
    """(n, width) of every tile of a level, by tlog-tiles "Partial Tiles"."""
    full = size // 256 ** (level + 1)
    partial = size // 256**level % 256
    return [(n, 256) for n in range(full)] + ([(full, partial)] if partial else [])


def read_level(fetch: Fetch, size: int, level: int, known: dict[str, list[bytes]]) -> list[bytes]:
    hashes: list[bytes] = []
    for n, width in widths(size, level):
        name = tile_name(str(level), n, width)
        if name not in known:
            tile = fetch(name)
            need(tile is not None and len(tile) == 32 * width, f"{name} is missing or has a wrong length")
            known[name] = [tile[i : i + 32] for i in range(0, len(tile), 32)]
        hashes += known[name]
    return hashes


def read_entries(fetch: Fetch, size: int, known: dict[str, list[bytes]]) -> list[bytes]:
    entries: list[bytes] = []
    for n, width in widths(size, 0):
        name = tile_name("entries", n, width)
        if name not in known:
            bundle, at, found = fetch(name), 0, []
            need(bundle is not None, f"{name} is missing")
            while at < len(bundle):
                length = int.from_bytes(bundle[at : at + 2], "big")
                found.append(bundle[at + 2 : at + 2 + length])
                at += 2 + length
            need(at == len(bundle) and len(found) == width, f"{name} is not {width} entries")
            known[name] = found
        entries += known[name]
    return entries


def accept(fetch: Fetch, name: str, public: bytes, known: dict[str, list[bytes]] | None = None) -> int:
    """Check everything the log serves; its size. `known` keeps what was fetched before (it is immutable)."""
    known = {} if known is None else known
    note = fetch("checkpoint")
    need(note is not None, "there is no checkpoint")
    origin, size, root = checkpoint(note, name, public)
    need(origin == name, "another log")
    below = [digest(b"\x00", entry) for entry in read_entries(fetch, size, known)]
    need(mth(below) == root, "the entries have another root")
    level = 0
    while below:
        need(read_level(fetch, size, level, known) == below, f"level {level} is not over the level below")
        below = [mth(below[i : i + 256]) for i in range(0, len(below) // 256 * 256, 256)]
        level += 1
    return size


def included(index: int, size: int, leaf_hash: bytes, proof: list[bytes], root: bytes) -> None:
    """RFC 9162 §2.1.3.2."""
    need(index < size, "outside")
    fn, sn, r = index, size - 1, leaf_hash
    for p in proof:
        need(sn != 0, "too long")
        if fn % 2 == 1 or fn == sn:
            r = digest(b"\x01", p, r)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = digest(b"\x01", r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0 and r == root, "not included")


def consistent(first: int, second: int, root1: bytes, root2: bytes, proof: list[bytes]) -> None:
    """RFC 9162 §2.1.4.2."""
    if first == second:
        need(not proof and root1 == root2, "equal sizes")
        return
    need(0 < first < second and bool(proof), "sizes")
    path = [root1, *proof] if first & (first - 1) == 0 else list(proof)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        need(sn != 0, "too long")
        if fn & 1 or fn == sn:
            fr, sr = digest(b"\x01", c, fr), digest(b"\x01", c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = digest(b"\x01", sr, c)
        fn, sn = fn >> 1, sn >> 1
    need(fr == root1 and sr == root2 and sn == 0, "not consistent")
