"""An evidence bundle: everything a stranger needs to check what the ledger says about one case. Pure.

`build` is a function of its `Material`: the same material gives the same bytes. The layout is described in
docs/evidence/bundle.md, and checked by two verifiers that share no code with this module.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from tideng.evidence.container import write_container
from tideng.evidence.index_map import Lookup
from tideng.evidence.note import sign
from tideng.evidence.proof_file import SUFFIX, ProofFile, format_proof

FORMAT: Final = "tideng-evidence-bundle/1"
MANIFEST: Final = "MANIFEST"
MANIFEST_HEAD: Final = "tideng evidence bundle 1"
"""With its spaces it can be no ledger's name, so a manifest can never be taken for a checkpoint."""


class Opening(Struct, frozen=True):
    """What opens one commitment of an entry."""

    field: str
    key: bytes
    value: str


class CaseEntry(Struct, frozen=True, kw_only=True):
    """One entry of the case, its proof, and what of it is disclosed; the rest stays closed."""

    index: int
    leaf: bytes
    role: str
    """case, index, registry, environment or custody: why it is here."""
    proof: tuple[bytes, ...] = ()
    openings: tuple[Opening, ...] = ()


class RegistryBody(Struct, frozen=True):
    """What a registry object said: the canonical body whose hash entry `entry` carries."""

    entry: int
    body: bytes


class Step(Struct, frozen=True):
    """A checkpoint of the chain, and the consistency proof from it to the next."""

    size: int
    note: bytes
    to_next: tuple[bytes, ...] = ()


class IntervalProof(Struct, frozen=True):
    """What one interval of the completeness index holds about the number; `entry` is its "index/1"."""

    entry: int
    lookup: Lookup


class CompletenessProof(Struct, frozen=True, kw_only=True):
    """That nothing about `number` was left out between `start` and `stop` (µs; None: no end was proved)."""

    number: str
    name_proof: bytes
    start: int
    stop: int | None
    before: int | None
    """The "index/1" entry before the first interval shown; None if that is the very first."""
    intervals: tuple[IntervalProof, ...]


class Material(Struct, frozen=True, kw_only=True):
    """All that goes into a bundle."""

    origin: str
    case: str
    asked: Mapping[str, Any]  # Any: plain JSON, see docs/evidence/bundle.md
    """What was asked for."""
    export: int
    """Index of the "export/1" entry that records this hand-over."""
    made_at: int
    note: bytes
    """The checkpoint all proofs lead to."""
    policy: bytes
    entries: tuple[CaseEntry, ...]
    registry: tuple[RegistryBody, ...]
    chain: tuple[Step, ...]
    timestamps: Mapping[int, bytes]
    """Size of the checkpoint (in the chain) -> RFC 3161 response over its note."""
    timestamp_roots: bytes
    completeness: CompletenessProof | None
    environment: bytes
    custody: bytes
    readings: Mapping[str, bytes]
    """For people: README, timeline. Name -> content."""


_encode: Final = msgspec.json.Encoder(order="sorted").encode


def entry_name(index: int) -> str:
    """How files of one entry are called."""
    return f"{index:012d}"


def disclosed_files(
    openings: Mapping[int, Sequence[Opening]], registry: Sequence[RegistryBody], environment: bytes
) -> dict[str, bytes]:
    """The files that the export entry names by their hash, because they are in no other entry."""
    files = {f"registry/{entry_name(each.entry)}.json": each.body for each in registry}
    for index, opened in openings.items():
        if opened:
            files[f"openings/{entry_name(index)}.json"] = _encode(
                {
                    "index": index,
                    "openings": [
                        {"field": each.field, "key": each.key.hex(), "value": each.value} for each in opened
                    ],
                }
            )
    files["environment.json"] = environment
    return files


def content_hash(files: Mapping[str, bytes]) -> str:
    """One hash over the names and contents of files: SHA-256 of their manifest lines."""
    return sha256("".join(_manifest_lines(files)).encode()).hexdigest()


def build(material: Material, key: Ed25519PrivateKey) -> bytes:
    """The bundle; its manifest is signed by the ledger's key. `TooLarge` if it is no plain ZIP file."""
    files = disclosed_files(
        {entry.index: entry.openings for entry in material.entries}, material.registry, material.environment
    )
    for entry in material.entries:
        name = entry_name(entry.index)
        files[f"entries/{name}.json"] = entry.leaf
        files[f"proofs/{name}{SUFFIX}"] = format_proof(ProofFile(entry.index, entry.proof, material.note))
    for step in material.chain:
        files[f"checkpoints/{entry_name(step.size)}.txt"] = step.note
    for size, token in material.timestamps.items():
        files[f"timestamps/{entry_name(size)}.tsr"] = token
    if material.timestamps:
        files["timestamps/roots.pem"] = material.timestamp_roots
    if material.completeness is not None:
        files["completeness.json"] = _encode(_completeness(material.completeness))
    files |= {"policy.txt": material.policy, "custody.csv": material.custody, **material.readings}
    files["case.json"] = _encode(_case(material))
    return seal_files(files, material.origin, key)


def seal_files(files: Mapping[str, bytes], origin: str, key: Ed25519PrivateKey) -> bytes:
    """The container of these files with a manifest of them, signed as `origin`."""
    text = f"{MANIFEST_HEAD}\n" + "".join(_manifest_lines(files))
    return write_container({**files, MANIFEST: sign(text, origin, key)})


def _manifest_lines(files: Mapping[str, bytes]) -> Iterator[str]:
    for name in sorted(files):
        yield f"{sha256(files[name]).hexdigest()}  {name}\n"


def _case(material: Material) -> dict[str, object]:
    return {
        "format": FORMAT,
        "origin": material.origin,
        "case": material.case,
        "asked": material.asked,
        "export": material.export,
        "made_at": material.made_at,
        "entries": [{"index": entry.index, "role": entry.role} for entry in material.entries],
        "registry": [each.entry for each in material.registry],
        "chain": [
            {"size": step.size, "to_next": [each.hex() for each in step.to_next]} for step in material.chain
        ],
        "timestamps": sorted(material.timestamps),
    }


def _completeness(proof: CompletenessProof) -> dict[str, object]:
    return {
        "number": proof.number,
        "name_proof": proof.name_proof.hex(),
        "start": proof.start,
        "stop": proof.stop,
        "before": proof.before,
        "intervals": [
            {
                "entry": each.entry,
                "siblings": [sibling.hex() for sibling in each.lookup.siblings],
                "held": None
                if each.lookup.held is None
                else {"indices": each.lookup.held.indices, "salt": each.lookup.held.salt.hex()},
                "other": None if each.lookup.other is None else [part.hex() for part in each.lookup.other],
            }
            for each in proof.intervals
        ],
    }
