"""Which keys are trusted, and how many witnesses must have seen a checkpoint (c2sp.org/tlog-policy). Pure.

Witness and group names are octets; they are kept as `latin-1` text so that none is lost or made equal.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from tideng.evidence.checkpoint import Checkpoint, parse_checkpoint
from tideng.evidence.note import (
    COSIGNATURE,
    ED25519,
    NoteInvalid,
    OpenedNote,
    Verifier,
    encode_vkey,
    open_note,
    parse_vkey,
)

POLICY_BYTES_MAX = 256 * 1024
PARTIES_MAX = 100
"""Logs, witnesses and groups, each; the specification recommends at least 32."""
NONE = "none"


class PolicyInvalid(ValueError):
    """These bytes are not a policy. The message names the line."""


class PolicyNotMet(Exception):
    """The checkpoint is not signed and cosigned as the policy asks."""


class Party(Struct, frozen=True):
    """A log or a witness: its key, and where it is reached ("" if the policy does not say)."""

    name: str
    verifier: Verifier
    url: str = ""


class Group(Struct, frozen=True):
    """`threshold` of `members` (witnesses or groups) stand for this name."""

    name: str
    threshold: int
    members: tuple[str, ...]


class TrustPolicy(Struct, frozen=True):
    """The trusted logs, the known witnesses and the quorum: a witness's or group's name, or "none"."""

    logs: tuple[Party, ...]
    witnesses: tuple[Party, ...]
    groups: tuple[Group, ...]
    quorum: str


class Witnessed(Struct, frozen=True):
    """A checkpoint that met a policy: the log's key, and which witnesses vouch for it since when."""

    checkpoint: Checkpoint
    log: Verifier
    witnesses: tuple[tuple[str, int], ...]
    """(name in the policy, seconds since 1970)."""


def parse_policy(content: bytes) -> TrustPolicy:
    """Read a policy file. `PolicyInvalid` names the first line that is wrong."""
    if len(content) > POLICY_BYTES_MAX:
        raise PolicyInvalid(f"the policy has {len(content)} bytes; the limit is {POLICY_BYTES_MAX}")
    if any((octet < 0x20 and octet not in b"\t\n") or octet == 0x7F for octet in content):
        raise PolicyInvalid("a policy holds no control characters but tabs and line ends")
    reading = _Reading()
    for number, line in enumerate(content.decode("latin-1").split("\n"), 1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reading.read(words)
        except (PolicyInvalid, NoteInvalid) as error:
            raise PolicyInvalid(f"line {number} of the policy: {error}") from error
    return reading.finished()


class _Reading:
    """The policy as far as it was read."""

    def __init__(self) -> None:
        self.logs: list[Party] = []
        self.witnesses: list[Party] = []
        self.groups: list[Group] = []
        self.quorum = ""
        self._defined: set[str] = set()
        self._members: set[str] = set()

    def read(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                verifier = _key(vkey, ED25519, self.logs)
                self.logs.append(Party(verifier.name, verifier, "".join(url)))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._define(name)
                self.witnesses.append(Party(name, _key(vkey, COSIGNATURE, self.witnesses), "".join(url)))
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                if self.quorum:
                    raise PolicyInvalid("there is a second quorum")
                if name != NONE and name not in self._defined:
                    raise PolicyInvalid(f"{name!r} is not defined above")
                self.quorum = name
            case _:
                raise PolicyInvalid(f"{words[0]!r} with {len(words) - 1} words is not a policy line")
        if max(len(self.logs), len(self.witnesses), len(self.groups)) > PARTIES_MAX:
            raise PolicyInvalid(f"more than {PARTIES_MAX} of a kind")

    def finished(self) -> TrustPolicy:
        if not self.quorum:
            raise PolicyInvalid("the policy has no quorum line")
        return TrustPolicy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            if member not in self._defined:
                raise PolicyInvalid(f"{member!r} is not defined above")
            if member in self._members:
                raise PolicyInvalid(f"{member!r} is in a group already")
            self._members.add(member)
        known = {"any": 1, "all": len(members)}
        if threshold in known:
            needed = known[threshold]
        elif threshold.isascii() and threshold.isdigit() and not threshold.startswith("0"):
            needed = int(threshold[:4])
        else:
            raise PolicyInvalid(f"{threshold!r} is neither any, all, nor a number from 1")
        if needed > len(members):
            raise PolicyInvalid(f"{needed} of {len(members)} members can never be met")
        self._define(name)
        self.groups.append(Group(name, needed, tuple(members)))

    def _define(self, name: str) -> None:
        if name == NONE or name in self._defined:
            raise PolicyInvalid(f"{name!r} is taken")
        self._defined.add(name)


def _key(vkey: str, algorithm: int, known: Sequence[Party]) -> Verifier:
    try:
        verifier = parse_vkey(vkey.encode("latin-1").decode())
    except UnicodeDecodeError as error:
        raise PolicyInvalid("the key's name is not UTF-8") from error
    if verifier.algorithm != algorithm:
        kind = "a witness" if algorithm == COSIGNATURE else "a log"
        raise PolicyInvalid(f"the key of {verifier.name} is not one of {kind}")
    if any(party.verifier.public == verifier.public for party in known):
        raise PolicyInvalid(f"the key of {verifier.name} is there already")
    return verifier


def format_policy(policy: TrustPolicy) -> bytes:
    """The policy as a file that `parse_policy` reads back."""
    return "".join(f"{line}\n" for line in _lines(policy)).encode("latin-1")


def _lines(policy: TrustPolicy) -> Iterator[str]:
    for log in policy.logs:
        yield " ".join(["log", _vkey(log), *([log.url] if log.url else [])])
    for witness in policy.witnesses:
        yield " ".join(["witness", witness.name, _vkey(witness), *([witness.url] if witness.url else [])])
    for group in policy.groups:
        yield " ".join(["group", group.name, str(group.threshold), *group.members])
    yield f"quorum {policy.quorum}"


def _vkey(party: Party) -> str:
    return encode_vkey(party.verifier).encode().decode("latin-1")


def is_quorum(policy: TrustPolicy, cosigned: frozenset[str]) -> bool:
    """Whether these witnesses, by their names in the policy, are enough."""
    met = set(cosigned)
    for group in policy.groups:  # defined in order, so members are decided before their group
        if sum(member in met for member in group.members) >= group.threshold:
            met.add(group.name)
    return policy.quorum == NONE or policy.quorum in met


def check_witnessed(policy: TrustPolicy, note: bytes) -> Witnessed:
    """The checkpoint in `note`, if a log of the policy signed it and the quorum saw it.

    `PolicyNotMet` says what is missing; `NoteInvalid`: it is no checkpoint, or a signature is wrong.
    """
    logs = {log.verifier: log for log in policy.logs}
    witnesses = {witness.verifier: witness.name for witness in policy.witnesses}
    opened = open_note(note, [*logs, *witnesses])
    checkpoint = parse_checkpoint(opened.text)
    signers = {(s.name, s.key_id) for s in opened.verified}
    log = next((v for v in logs if (v.name, v.key_id) in signers and v.name == checkpoint.origin), None)
    if log is None:
        raise PolicyNotMet(f"no log of the policy signed this checkpoint of {checkpoint.origin!r}")
    seen = tuple(_cosigned(opened, witnesses))
    if not is_quorum(policy, frozenset(name for name, _ in seen)):
        raise PolicyNotMet(
            f"the checkpoint of size {checkpoint.size} was seen by {len(seen)} known witnesses; "
            f"the quorum {policy.quorum!r} is not met"
        )
    return Witnessed(checkpoint, log, seen)


def _cosigned(opened: OpenedNote, witnesses: dict[Verifier, str]) -> Iterator[tuple[str, int]]:
    times = {(s.name, s.key_id): s.time_s for s in opened.verified}
    for verifier, name in witnesses.items():
        if (verifier.name, verifier.key_id) in times:
            yield name, times[verifier.name, verifier.key_id]
