"""Step 9: that every entry about a number, from one moment to another, is in the bundle."""

import hmac
from itertools import pairwise
from typing import Final

from tideng.evidence.verifier import curve
from tideng.evidence.verifier.parts import Failed, digest, listed, need, table, unhex, whole

SLACK_US: Final = 60_000_000
FIXED: Final = 8
NOTHING: Final = digest(b"\x02")

Entries = dict[int, dict[str, object]]


def verify_completeness(
    proof: dict[str, object], entries: Entries, openings: dict[int, dict[str, str]]
) -> str:
    """What was proved, as a sentence; `Failed` if an entry, an interval or the window's end is missing."""
    number = proof.get("number")
    if not isinstance(number, str):
        raise Failed("completeness.json names no number")
    shown = [table(each, "an interval") for each in listed(proof.get("intervals"), "intervals")]
    need(shown, "no interval is shown")
    chain = [_index_entry(entries, whole(each.get("entry"), "an interval's entry")) for each in shown]
    name = _name(number, chain, proof.get("name_proof"))
    _check_window(proof, chain, entries)
    held: set[int] = set()
    for each, entry in zip(shown, chain, strict=True):
        first, stop = whole(entry.get("first"), "first"), whole(entry.get("stop"), "stop")
        indices = _look_up(digest(b"tideng/index/label/1\n", name, first.to_bytes(8, "big")), each, entry)
        for index in indices:
            need(first <= index < stop, f"entry {index} is outside its interval")
            need(index in entries, f"entry {index} is about this number, and was left out")
        held.update(indices)
    begin, end = whole(chain[0].get("first"), "first"), whole(chain[-1].get("stop"), "stop")
    for index, opened in openings.items():
        about = number in (opened.get("recipient"), opened.get("sender"))
        if about and begin <= index < end:
            need(index in held, f"entry {index} is about this number, and the index does not say so")
    unnamed = sum(len(listed(entry.get("unnamed"), "unnamed")) for entry in chain)
    return f"{len(held)} entries about this number among entries {begin} to {end - 1}, none left out" + (
        f"; {unnamed} entries there concern people whose number was not kept" if unnamed else ""
    )


def _index_entry(entries: Entries, index: int) -> dict[str, object]:
    entry = entries.get(index, {})
    need(entry.get("kind") == "index/1", f"entry {index} is no index, or is not here")
    return entry


def _name(number: str, chain: list[dict[str, object]], proof: object) -> bytes:
    keys = {str(entry.get("key")) for entry in chain}
    need(len(keys) == 1, "the index changed its key within the window")
    public = unhex(keys.pop(), 32, "the index's key")
    gamma = curve.gamma_of(public, number.encode(), unhex(proof, 80, "the name's proof"))
    if gamma is None:
        raise Failed("the name shown does not belong to this number")
    return digest(b"tideng/index/name/1\n", curve.montgomery_u(gamma))


def _check_window(proof: dict[str, object], chain: list[dict[str, object]], entries: Entries) -> None:
    """The intervals follow each other, begin before the window and end after it."""
    for one, following in pairwise(chain):
        need(one.get("stop") == following.get("first"), "an interval is missing between two others")
    start, stop = whole(proof.get("start"), "the window's start"), proof.get("stop")
    if whole(chain[0].get("first"), "first") != 0:
        before = _index_entry(entries, whole(proof.get("before"), "the interval before"))
        need(before.get("stop") == chain[0].get("first"), "the interval before is another")
        need(whole(before.get("at"), "at") < start - SLACK_US, "the window begins before the intervals shown")
    if stop is not None:
        end = whole(stop, "the window's end")
        need(
            len(chain) > 1 and whole(chain[-2].get("at"), "at") > end + SLACK_US,
            "the window ends after the intervals shown",
        )


def _look_up(label: bytes, shown: dict[str, object], entry: dict[str, object]) -> list[int]:
    """What the interval's map holds under this label; the format is in docs/evidence/completeness.md."""
    siblings = [unhex(each, 32, "a hash") for each in listed(shown.get("siblings"), "siblings")]
    depth = len(siblings)
    need(FIXED <= depth <= 256, "a lookup has an impossible depth")
    held, other, indices = shown.get("held"), shown.get("other"), list[int]()
    need(held is None or other is None, "a lookup has two ends")
    top = NOTHING
    if held is not None:
        content = table(held, "held")
        indices = [whole(each, "an index") for each in listed(content.get("indices"), "indices")]
        packed = b"".join(index.to_bytes(8, "big") for index in indices)
        salt = unhex(content.get("salt"), 32, "a salt")
        top = digest(b"\x00", label, hmac.digest(salt, packed, "sha256"))
    elif other is not None:
        pair = listed(other, "other")
        need(len(pair) == 2, "a lookup's other end is malformed")
        there, sealed = unhex(pair[0], 32, "a label"), unhex(pair[1], 32, "a content")
        same = _path(there, depth) == _path(label, depth)
        need(same and there != label, "another label stands where it cannot")
        top = digest(b"\x00", there, sealed)
    for level, sibling in enumerate(siblings):
        top = (
            digest(b"\x01", sibling, top)
            if _path(label, depth - level) & 1
            else digest(b"\x01", top, sibling)
        )
    need(top.hex() == entry.get("root"), "what is shown of an interval does not belong to its root")
    return indices


def _path(label: bytes, depth: int) -> int:
    """The first `depth` bits of a label, as a number."""
    return int.from_bytes(label, "big") >> (256 - depth)
