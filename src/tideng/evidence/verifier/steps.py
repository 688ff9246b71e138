"""The ten steps of verifying a bundle, in order, each with what it proves. Numbers never change.

They are the same in docs/evidence/verify.md, here, in `verify.html` and in what both print.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from tideng.evidence.verifier.parts import (
    Failed,
    Key,
    Policy,
    canonical,
    checkpoint,
    consistent,
    digest,
    included,
    listed,
    need,
    open_note,
    read_container,
    table,
    unbase64,
    unhex,
    utf8,
    whole,
)
from tideng.evidence.verifier.timestamps import Stamped, verify_timestamp

OK, FAILED, ABSENT, NOT_REACHED = "ok", "failed", "absent", "not reached"
SLACK_US: Final = 60_000_000
"""Entries of different kinds are timed before they are committed; so much may they overtake each other."""
FORMAT: Final = "tideng-evidence-bundle/1"

STEPS: Final = (
    (
        "container",
        "every byte of the file is accounted for",
        "文件的每一个字节都有归属",
    ),
    (
        "manifest",
        "these files, and no others, were handed over by the ledger's key",
        "所交付的正是这些文件,由账本密钥签名",
    ),
    (
        "checkpoint",
        "the ledger's key, and the witnesses asked for, vouch for one state of the ledger",
        "账本密钥及策略要求的见证人共同确认账本的某一状态",
    ),
    (
        "entries",
        "each entry lies unchanged in that ledger, at its place",
        "每一条目均原样存于该账本的相应位置",
    ),
    (
        "openings",
        "each value shown is the one recorded at the time",
        "所展示的每一内容即当时入账的内容",
    ),
    (
        "registry",
        "licences, mandates and the like are those registered at the time",
        "资质、授权等登记信息与当时登记一致",
    ),
    (
        "history",
        "nothing in the ledger was changed between these checkpoints",
        "各检查点之间账本未被改动",
    ),
    (
        "timestamps",
        "an outside authority saw the ledger in this state at this time",
        "外部时间戳机构在该时刻见过账本的这一状态",
    ),
    (
        "completeness",
        "nothing recorded about this number in the window was left out",
        "该号码在此期间的记录没有遗漏",
    ),
    (
        "custody",
        "this hand-over is itself recorded in the ledger, with what was disclosed",
        "本次导出及其披露内容已记入账本",
    ),
)
"""(name, what it proves, the same in Chinese). Step 1 is the first."""


class Report:
    """What was found, step by step."""

    def __init__(self) -> None:
        self.statuses = [NOT_REACHED] * len(STEPS)
        self.says = [""] * len(STEPS)
        self.trusted = "bundle"
        """Where the ledger's key comes from: "bundle", or "given" by whoever verifies."""
        self.keys: list[str] = []
        self.roots: list[str] = []

    @property
    def is_verified(self) -> bool:
        """True if no step failed and all were reached."""
        return all(status in (OK, ABSENT) for status in self.statuses)


class _Bundle:
    """A bundle as far as it was read; what a step finds out, later steps use."""

    def __init__(self, octets: bytes, trusted: bytes | None) -> None:
        self.octets, self.trusted = octets, trusted
        self.files: dict[str, bytes] = {}
        self.case: dict[str, object] = {}
        self.origin = ""
        self.policy: Policy = Policy(b"quorum none\n")
        self.size, self.root, self.note = 0, b"", b""
        self.roles: dict[int, str] = {}
        self.entries: dict[int, dict[str, object]] = {}
        self.leaves: dict[int, bytes] = {}
        self.openings: dict[int, dict[str, str]] = {}
        self.roots: list[str] = []

    def file(self, name: str) -> bytes:
        need(name in self.files, f"{name} is missing")
        return self.files[name]

    def below(self, folder: str) -> list[str]:
        return sorted(name for name in self.files if name.startswith(folder))

    # The steps

    def container(self) -> str:
        self.files = read_container(self.octets)
        return f"{len(self.files)} files in {len(self.octets)} bytes"

    def manifest(self) -> str:
        self.case = canonical(self.file("case.json"), "case.json")
        need(self.case.get("format") == FORMAT, "the bundle has another format; get a newer verifier")
        self.origin = str(self.case.get("origin"))
        self.policy = Policy(self.trusted if self.trusted is not None else self.file("policy.txt"))
        keys = [key for key in self.policy.logs if key.name == self.origin]
        need(keys, f"the policy knows no key of {self.origin}")
        text, signed = open_note(self.file("MANIFEST"), keys, "the manifest")
        need(signed, "the manifest is not signed by the ledger's key")
        lines = ["tideng evidence bundle 1"]
        lines += [
            f"{sha256(content).hexdigest()}  {name}"
            for name, content in sorted(self.files.items())
            if name != "MANIFEST"
        ]
        need(text == "\n".join(lines) + "\n", "the manifest does not list exactly these files")
        return f"{len(lines) - 1} files signed by {self.origin}"

    def checkpoint(self) -> str:
        for each in listed(self.case.get("entries"), "the list of entries"):
            entry = table(each, "an entry of the case")
            index = whole(entry.get("index"), "an entry's index")
            need(index not in self.roles, f"entry {index} is listed twice")
            self.roles[index] = str(entry.get("role"))
        need(self.roles, "the case lists no entries")
        first = self.file(f"proofs/{min(self.roles):012d}.tlog-proof")
        self.note = first.partition(b"\n\n")[2]
        keys = [*self.policy.logs, *self.policy.witnesses.values()]
        text, signed = open_note(self.note, keys, "the checkpoint")
        need(
            any(k.algorithm == 1 and k.name == self.origin for k in signed),
            "the ledger did not sign the checkpoint",
        )
        self.size, self.root = checkpoint(text, self.origin, "the checkpoint")
        need(self.policy.is_met(signed), "the witnesses asked for did not sign the checkpoint")
        seen = sum(key.algorithm == 4 for key in signed)
        return f"{self.size} entries, {seen} witnesses of quorum {self.policy.quorum!r}"

    def entries_step(self) -> str:
        names = {f"{index:012d}": index for index in self.roles}
        need(
            self.below("entries/") == [f"entries/{n}.json" for n in sorted(names)],
            "entries are not those listed",
        )
        need(
            self.below("proofs/") == [f"proofs/{n}.tlog-proof" for n in sorted(names)],
            "proofs are not those listed",
        )
        last_at = 0
        for name, index in sorted(names.items()):
            leaf = self.file(f"entries/{name}.json")
            proof = self._proof(self.file(f"proofs/{name}.tlog-proof"), index)
            need(included(index, self.size, leaf, proof, self.root), f"entry {index} is not in the ledger")
            entry = canonical(leaf, f"entry {index}")
            need(isinstance(entry.get("kind"), str), f"entry {index} has no kind")
            at = whole(entry.get("at"), f"the time of entry {index}")
            need(at >= last_at - SLACK_US, f"entry {index} is older than the one before it")
            last_at = max(last_at, at)
            self.entries[index], self.leaves[index] = entry, leaf
        return f"{len(self.entries)} entries"

    def _proof(self, octets: bytes, index: int) -> list[bytes]:
        head, _, note = octets.partition(b"\n\n")
        need(note == self.note, f"the proof of entry {index} leads to another checkpoint")
        lines = utf8(head, "a proof").split("\n")
        need(lines[0] == "c2sp.org/tlog-proof@v1", f"the proof of entry {index} is not a tlog-proof")
        need(len(lines) > 1 and lines[1] == f"index {index}", f"the proof of entry {index} is of another")
        return [self._hash(unbase64(line, "a hash of a proof")) for line in lines[2:]]

    def _hash(self, octets: bytes) -> bytes:
        need(len(octets) == 32, "a hash has not 32 bytes")
        return octets

    def openings_step(self) -> str:
        count = 0
        for name in self.below("openings/"):
            opened = canonical(self.file(name), name)
            index = whole(opened.get("index"), name)
            need(name == f"openings/{index:012d}.json" and index in self.entries, f"{name} opens no entry")
            values = self.openings.setdefault(index, {})
            for each in listed(opened.get("openings"), name):
                one = table(each, name)
                field, value = str(one.get("field")), one.get("value")
                key = unhex(one.get("key"), 32, "an opening's key")
                need(isinstance(value, str) and field not in values, f"{name} is malformed")
                made = hmac.digest(key, str(value).encode(), "sha256").hex()
                need(made == self.entries[index].get(field), f"field {field} of entry {index} was another")
                values[field] = str(value)
                count += 1
        return f"{count} fields of {len(self.openings)} entries opened" if count else ""

    def registry(self) -> str:
        found = [whole(each, "a registry entry") for each in listed(self.case.get("registry"), "registry")]
        need(
            self.below("registry/") == sorted(f"registry/{i:012d}.json" for i in found),
            "registry files are not those listed",
        )
        for index in found:
            entry = self.entries.get(index, {})
            body = sha256(self.file(f"registry/{index:012d}.json")).hexdigest()
            need(entry.get("kind") == "registry/1", f"entry {index} registers nothing")
            need(entry.get("body") == body, f"the object of entry {index} is another than was registered")
        return f"{len(found)} objects" if found else ""

    def history(self) -> str:
        steps = [table(each, "a checkpoint") for each in listed(self.case.get("chain"), "chain")]
        sizes = [whole(each.get("size"), "a checkpoint's size") for each in steps]
        need(sizes == sorted(set(sizes)) and sizes, "the checkpoints are not in order")
        need(
            self.below("checkpoints/") == [f"checkpoints/{s:012d}.txt" for s in sizes],
            "checkpoints are not those listed",
        )
        need(sizes[-1] == self.size, "the last checkpoint is not the one proved against")
        keys = [key for key in self.policy.logs if key.name == self.origin]
        roots: list[bytes] = []
        for size in sizes:
            text, signed = open_note(self.file(f"checkpoints/{size:012d}.txt"), keys, f"checkpoint {size}")
            need(signed, f"the ledger did not sign checkpoint {size}")
            found, root = checkpoint(text, self.origin, f"checkpoint {size}")
            need(found == size, f"checkpoint {size} is of size {found}")
            roots.append(root)
        need(roots[-1] == self.root, "there are two checkpoints of one size")
        for i, step in enumerate(steps):
            proof = [unhex(each, 32, "a hash") for each in listed(step.get("to_next"), "a consistency proof")]
            last = i + 1 == len(steps)
            need(not proof if last else consistent(sizes[i], sizes[i + 1], roots[i], roots[i + 1], proof),
                 f"the ledger of {sizes[i]} entries is not the beginning of the next")  # fmt: skip
        return f"{len(sizes)} checkpoints from {sizes[0]} to {sizes[-1]} entries"

    def timestamps(self) -> str:
        sizes = [
            whole(each, "a timestamp's size") for each in listed(self.case.get("timestamps"), "timestamps")
        ]
        names = [f"timestamps/{size:012d}.tsr" for size in sorted(set(sizes))]
        need(self.below("timestamps/") == sorted([*names, *(["timestamps/roots.pem"] if names else [])]),
             "timestamps are not those listed")  # fmt: skip
        stamped: list[Stamped] = []
        for size, name in zip(sorted(set(sizes)), names, strict=True):
            note = self.file(f"checkpoints/{size:012d}.txt")
            found = verify_timestamp(self.file(name), note, self.file("timestamps/roots.pem"))
            stamped.append(found)
            self.roots += [found.root] if found.root not in self.roots else []
        return "; ".join(
            f"{size} entries at {s.time}" for size, s in zip(sorted(sizes), stamped, strict=True)
        )

    def completeness(self) -> str:
        if "completeness.json" not in self.files:
            return ""
        from tideng.evidence.verifier.completeness import verify_completeness

        proof = canonical(self.file("completeness.json"), "completeness.json")
        return verify_completeness(proof, self.entries, self.openings)

    def custody(self) -> str:
        index = whole(self.case.get("export"), "the export's index")
        entry = self.entries.get(index, {})
        need(entry.get("kind") == "export/1", "the entry of this hand-over is not here")
        names = [*self.below("openings/"), *self.below("registry/"), "environment.json"]
        lines = "".join(f"{sha256(self.file(n)).hexdigest()}  {n}\n" for n in sorted(names))
        need(
            entry.get("content") == sha256(lines.encode()).hexdigest(),
            "the hand-over recorded was of other content",
        )
        need(entry.get("case") == self.case.get("case"), "the hand-over recorded was of another case")
        need(entry.get("at") == self.case.get("made_at"), "the hand-over recorded was at another time")
        return f"entry {index}"


def verify(octets: bytes, trusted: bytes | None = None) -> Report:
    """Verify a bundle. `trusted`: a tlog-policy the verifier got elsewhere, used instead of the bundle's."""
    report = Report()
    report.trusted = "bundle" if trusted is None else "given"
    bundle = _Bundle(octets, trusted)
    steps: list[Callable[[], str]] = [
        bundle.container, bundle.manifest, bundle.checkpoint, bundle.entries_step, bundle.openings_step,
        bundle.registry, bundle.history, bundle.timestamps, bundle.completeness, bundle.custody,
    ]  # fmt: skip
    for number, step in enumerate(steps):
        try:
            says = step()
        except Failed as error:
            report.statuses[number], report.says[number] = FAILED, str(error)
            if number < 4:  # what follows would speak about something that is not what it seems
                break
            continue
        report.statuses[number], report.says[number] = (
            (OK, says) if says else (ABSENT, "not part of this bundle")
        )
    report.keys = [key.text for key in bundle.policy.logs]
    report.roots = bundle.roots
    return report


def fingerprint(vkey: str) -> str:
    """A short form of a key to compare aloud."""
    return Key(vkey).key_id.hex() + "-" + digest(Key(vkey).public)[:8].hex()
