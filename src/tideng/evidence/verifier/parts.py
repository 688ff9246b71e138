"""The small formats of a bundle, read strictly: container, signed notes, policy, proofs, canonical JSON."""

import base64
import binascii
import hashlib
import json
import re
import struct
import zlib

from tideng.evidence.verifier import curve

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}", re.ASCII)
NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


class Failed(Exception):
    """A check did not hold. The message says which, in English; the step adds the Chinese."""


def need(condition: object, why: str) -> None:
    """`Failed` with `why` unless `condition` holds."""
    if not condition:
        raise Failed(why)


def digest(*parts: bytes) -> bytes:
    """SHA-256 over the parts."""
    return hashlib.sha256(b"".join(parts)).digest()


# Container


def read_container(octets: bytes) -> dict[str, bytes]:
    """The files of a bundle. Written again they must give the same bytes, so none of them lies outside."""
    need(len(octets) >= 22, "the file is too short to be a ZIP file")
    sign, _, _, _, count, size, start, comment = struct.unpack("<IHHHHIIH", octets[-22:])
    need(sign == 0x06054B50 and comment == 0, "the file does not end as a ZIP file without a comment")
    need(start + size + 22 == len(octets), "the ZIP directory is not where it should be")
    files: dict[str, bytes] = {}
    at = start
    for _ in range(count):
        need(at + 46 <= start + size, "the ZIP directory is cut short")
        length = int.from_bytes(octets[at + 24 : at + 28], "little")
        name_length = int.from_bytes(octets[at + 28 : at + 30], "little")
        where = int.from_bytes(octets[at + 42 : at + 46], "little")
        name = octets[at + 46 : at + 46 + name_length].decode("latin-1")
        need(NAME.fullmatch(name) and ".." not in name and name not in files, "a file's name is not allowed")
        begin = where + 30 + name_length
        need(begin + length <= start, "a file goes beyond the ZIP directory")
        files[name] = octets[begin : begin + length]
        at += 46 + name_length
    need(
        _written(files) == octets,
        "the ZIP file is not in its one canonical form: some byte is not accounted for",
    )
    return files


def _written(files: dict[str, bytes]) -> bytes:
    body, directory = bytearray(), bytearray()
    for name in sorted(files):
        raw, content = name.encode(), files[name]
        common = struct.pack(
            "<HHHHHIIIHH",
            20,
            0x0800,
            0,
            0,
            0x0021,
            zlib.crc32(content),
            len(content),
            len(content),
            len(raw),
            0,
        )
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + raw
        body += b"PK\x03\x04" + common + raw + content
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory + end)


# Text


def utf8(octets: bytes, what: str) -> str:
    """The text of these octets."""
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise Failed(f"{what} is not UTF-8") from error


def unbase64(text: str, what: str) -> bytes:
    """Standard base64 in its one canonical spelling."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Failed(f"{what} is not base64") from error
    need(base64.b64encode(raw).decode() == text, f"{what} is not canonical base64")
    return raw


def unhex(text: object, length: int, what: str) -> bytes:
    """`length` bytes written as lower-case hex."""
    need(isinstance(text, str) and re.fullmatch(r"[0-9a-f]*", text, re.ASCII), f"{what} is not hex")
    raw = bytes.fromhex(str(text)) if len(str(text)) == 2 * length else b""
    need(len(raw) == length, f"{what} has not {length} bytes")
    return raw


def canonical(octets: bytes, what: str) -> dict[str, object]:
    """A JSON object in canonical form: sorted keys, no white space, whole numbers only."""

    def refuse(text: str) -> object:
        raise Failed(f"{what} holds the number {text}, which is not a whole one")

    try:
        value = json.loads(utf8(octets, what), parse_float=refuse, parse_constant=refuse)
    except (json.JSONDecodeError, RecursionError, ValueError) as error:
        raise Failed(f"{what} is not JSON") from error
    need(isinstance(value, dict), f"{what} is not a JSON object")
    try:
        written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Failed(f"{what} holds half a character") from error
    need(written == octets, f"{what} is not in canonical form")
    return dict(value)


def whole(value: object, what: str) -> int:
    """A whole number from 0 to 2^53."""
    if type(value) is not int or not 0 <= value < 2**53:
        raise Failed(f"{what} is not a whole number")
    return value


def listed(value: object, what: str) -> list[object]:
    """A JSON list."""
    if not isinstance(value, list):
        raise Failed(f"{what} is not a list")
    return value


def table(value: object, what: str) -> dict[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Failed(f"{what} is not an object")
    return value


# Signed notes (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature)


class Key:
    """A verifier key: name, algorithm (1: note, 4: witness) and public key."""

    def __init__(self, vkey: str) -> None:
        parts = vkey.split("+", 2)
        need(len(parts) == 3 and parts[0] and not re.search(r"[\s+]", parts[0]), "a key is not name+id+key")
        raw = unbase64(parts[2], "a key")
        need(len(raw) == 33 and raw[0] in (1, 4), "a key is neither an Ed25519 note key nor a witness's")
        self.name, self.algorithm, self.public, self.text = parts[0], raw[0], raw[1:], vkey
        self.key_id = digest(self.name.encode(), b"\n", raw)[:4]
        need(self.key_id.hex() == parts[1], f"the id of the key of {self.name} is wrong")


def open_note(note: bytes, keys: list[Key], what: str) -> tuple[str, list[Key]]:
    """The text of a note and which of `keys` signed it. A wrong signature of one of them fails."""
    text, gap, tail = utf8(note, what).rpartition("\n\n")
    need(gap and tail.endswith("\n"), f"{what} is not a signed note")
    text += "\n"
    signed: list[Key] = []
    for line in tail[:-1].split("\n"):
        words = line.split(" ")
        need(len(words) == 3 and words[0] == "—", f"{what} has a malformed signature line")
        raw = unbase64(words[2], f"a signature of {what}")
        for key in keys:
            if key.name == words[1] and key.key_id == raw[:4]:
                need(_holds(key, text, raw[4:]), f"the signature of {key.name} on {what} does not hold")
                signed.append(key)
    return text, signed


def _holds(key: Key, text: str, signature: bytes) -> bool:
    if key.algorithm == 1:
        return curve.is_signature(key.public, text.encode(), signature)
    time = int.from_bytes(signature[:8], "big")
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    return time < 2**63 and curve.is_signature(key.public, message, signature[8:])


def checkpoint(text: str, origin: str, what: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint's text."""
    lines = text.split("\n")
    need(len(lines) >= 4 and not lines[-1] and all(lines[:-1]), f"{what} is not a checkpoint")
    need(lines[0] == origin, f"{what} is of another ledger")
    need(NUMBER.fullmatch(lines[1]), f"{what} has no size")
    root = unbase64(lines[2], f"the root of {what}")
    need(len(root) == 32, f"the root of {what} has not 32 bytes")
    return int(lines[1]), root


class Policy:
    """A tlog-policy: the ledger's keys, the witnesses', and the quorum."""

    def __init__(self, octets: bytes) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: list[tuple[str, int, list[str]]] = []
        self.quorum = ""
        names: set[str] = set()
        grouped: set[str] = set()
        for line in utf8(octets, "the policy").split("\n"):
            words = [word for word in re.split(r"[ \t]+", line) if word]
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "log" and len(words) in (2, 3):
                self.logs.append(Key(words[1]))
            elif words[0] == "witness" and len(words) in (3, 4):
                need(words[1] not in names and words[1] != "none", "the policy defines a name twice")
                names.add(words[1])
                self.witnesses[words[1]] = Key(words[2])
            elif words[0] == "group" and len(words) >= 4:
                members = words[3:]
                need(words[1] not in names and words[1] != "none", "the policy defines a name twice")
                need(all(m in names and m not in grouped for m in members), "a group's member is not free")
                need(len(set(members)) == len(members), "a group lists a member twice")
                grouped.update(members)
                needed = {"any": "1", "all": str(len(members))}.get(words[2], words[2])
                need(
                    NUMBER.fullmatch(needed) and 1 <= int(needed) <= len(members), "a threshold is impossible"
                )
                names.add(words[1])
                self.groups.append((words[1], int(needed), members))
            else:
                need(words[0] == "quorum" and len(words) == 2 and not self.quorum, "the policy is malformed")
                need(words[1] == "none" or words[1] in names, "the quorum is not defined")
                self.quorum = words[1]
        need(self.quorum, "the policy has no quorum")
        need(all(k.algorithm == 1 for k in self.logs), "a ledger's key is of the wrong kind")
        need(all(k.algorithm == 4 for k in self.witnesses.values()), "a witness's key is of the wrong kind")
        publics = [k.public for k in self.witnesses.values()]
        need(len(set(publics)) == len(publics), "two witnesses have one key")

    def is_met(self, signed: list[Key]) -> bool:
        """Whether the witnesses among `signed` are the quorum."""
        met = {name for name, key in self.witnesses.items() if key in signed}
        for name, needed, members in self.groups:
            if sum(member in met for member in members) >= needed:
                met.add(name)
        return self.quorum == "none" or self.quorum in met


# Proofs (RFC 9162 §2.1.3.2, §2.1.4.2)


def included(index: int, size: int, leaf: bytes, proof: list[bytes], root: bytes) -> bool:
    """Whether entry `leaf` is number `index` of the tree."""
    if index >= size:
        return False
    at, last, top = index, size - 1, digest(b"\x00", leaf)
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            top = digest(b"\x01", sibling, top)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            top = digest(b"\x01", top, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and top == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]) -> bool:
    """Whether the tree of `old` entries is the beginning of that of `new`."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else proof
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    left = right = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            left, right = digest(b"\x01", sibling, left), digest(b"\x01", sibling, right)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            right = digest(b"\x01", right, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and left == old_root and right == new_root
