"""Good bundles, and all that can be done to one: by a stranger, and by whoever holds the ledger's key."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from evidence.authority import Authority
from evidence.case_rig import ORIGIN, WANG, issue, make_case, opened
from tideng.evidence.bundle import MANIFEST, seal_files
from tideng.evidence.keys import signing_key
from tideng.evidence.timestamping import Timestamper

STEPS = [
    "container",
    "manifest",
    "checkpoint",
    "entries",
    "openings",
    "registry",
    "history",
    "timestamps",
    "completeness",
    "custody",
]
Files = dict[str, bytes]


class Item(Struct, frozen=True):
    """A bundle, and what a verifier must say: `fails_at` is the first failing step's name, "" if it holds.

    None: no opinion but that the two verifiers agree.
    """

    name: str
    content: bytes
    fails_at: str | None


class Case:
    """A data folder with a stamped, indexed case, and its bundle about Wang."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.told = make_case(self.data)
        self.authority = Authority(folder / "tsa")
        (folder / "roots.pem").write_bytes(self.authority.roots)
        self.changes = {"evidence": {"timestamp_roots": str(folder / "roots.pem")}}
        self.key = signing_key(self.data / "ledger.key")
        self.stamp()
        self.content = self.issue(number=WANG)
        self.files = unpack(self.content)

    def issue(self, **asked: Any) -> bytes:
        import msgspec

        from tideng.evidence.settings import EvidenceSettings

        settings = msgspec.convert(self.changes["evidence"], EvidenceSettings)
        return issue(self.data, changes={"evidence": settings}, **asked).content

    def stamp(self) -> None:
        with opened(self.data) as (store, _):
            store.ledger.checkpoint()
            Timestamper(store.writer, store.ledger, self.authority.answer, self.authority.roots).stamp()

    def sealed(self, files: Mapping[str, bytes]) -> bytes:
        """These files under the ledger's own key: what a dishonest operator could hand over."""
        return seal_files({n: c for n, c in files.items() if n != MANIFEST}, ORIGIN, self.key)


def unpack(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def edited(files: Files, name: str, change: Callable[[Any], None]) -> Files:
    value = json.loads(files[name])
    change(value)
    return {**files, name: canonical(value)}


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def without(files: Files, *names: str) -> Files:
    return {name: content for name, content in files.items() if name not in names}


def good(case: Case) -> Iterator[Item]:
    """Bundles that hold."""
    told = case.told
    for name, asked in {
        "about a number": {"number": WANG},
        "about a stranger": {"number": "8613012345678"},
        "a refused message": {"messages": (told.refused,)},
        "a message closed": {"messages": (told.sent,), "fields": ()},
        "only the text": {"messages": (told.refused,), "fields": ("text",)},
        "a number and its subjects": {"number": WANG, "fields": ("recipient", "subject")},
        "a window that began earlier": {"number": WANG, "start": 1_000_000},
    }.items():
        yield Item(f"good: {name}", case.issue(**asked), "")


def flipped(content: bytes, count: int) -> Iterator[Item]:
    """One byte changed, anywhere: never accepted."""
    chance = random.Random(9)
    for at in sorted(chance.sample(range(len(content)), count)):
        spoilt = bytearray(content)
        spoilt[at] ^= 1 << chance.randrange(8)
        yield Item(f"byte {at} flipped", bytes(spoilt), None)


def reshaped(case: Case) -> Iterator[Item]:
    """The same files in another ZIP file, or one with something before, between or behind."""
    content, files = case.content, case.files
    for name, options in {"deflated": 8, "dated": 0}.items():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", options) as archive:
            for each in sorted(files):
                archive.writestr(each, files[each])
        yield Item(f"zip {name}", out.getvalue(), "container")
    for name, spoilt in {
        "empty": b"",
        "cut": content[:-1],
        "half": content[: len(content) // 2],
        "tail": content + b"\0",
        "head": b"\0" + content,
        "comment": content[:-2] + b"\1\0x",
        "noise": random.Random(1).randbytes(4_000),
        "end only": content[-22:],
    }.items():
        yield Item(f"zip {name}", spoilt, "container")


def resealed(case: Case) -> Iterator[Item]:
    """Every file removed, spoilt or lengthened, under the ledger's key. The verifiers must agree."""
    for name in sorted(case.files):
        if name == MANIFEST:
            continue
        content = case.files[name]
        middle = len(content) // 2
        spoilt = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        yield Item(f"without {name}", case.sealed(without(case.files, name)), None)
        yield Item(f"spoilt {name}", case.sealed({**case.files, name: spoilt}), None)
        yield Item(f"longer {name}", case.sealed({**case.files, name: content + b" "}), None)


def lies(case: Case) -> Iterator[Item]:
    """What a dishonest operator would try, and the step that says no."""
    files = case.files
    entries = sorted(name for name in files if name.startswith("entries/"))
    told = {name: json.loads(files[name]) for name in entries}
    decisions = [name for name in entries if told[name]["kind"].startswith("decision/")]
    refused = next(name for name in decisions if told[name]["action"] == "refuse")
    number = int(refused[8:20])
    tail = refused[8:20]

    def hide(case_json: Any) -> None:
        case_json["entries"] = [e for e in case_json["entries"] if e["index"] != number]

    hidden = edited(
        without(files, refused, f"proofs/{tail}.tlog-proof", f"openings/{tail}.json"), "case.json", hide
    )
    yield Item("an entry withheld", case.sealed(hidden), "completeness")

    def not_held(proof: Any) -> None:
        for interval in proof["intervals"]:
            if interval["held"]:
                interval["held"]["indices"] = [i for i in interval["held"]["indices"] if i != number]

    yield Item(
        "an entry withheld, and its index",
        case.sealed(edited(hidden, "completeness.json", not_held)),
        "completeness",
    )

    def nothing(proof: Any) -> None:
        for interval in proof["intervals"]:
            interval["held"] = interval["other"] = None

    yield Item(
        "nobody of this number", case.sealed(edited(files, "completeness.json", nothing)), "completeness"
    )

    def other_number(proof: Any) -> None:
        proof["number"] = "8613012345678"

    yield Item(
        "another number", case.sealed(edited(files, "completeness.json", other_number)), "completeness"
    )

    def late(proof: Any) -> None:
        proof["stop"] = 2**50

    yield Item(
        "a window beyond the index", case.sealed(edited(files, "completeness.json", late)), "completeness"
    )

    def no_interval(proof: Any) -> None:
        proof["intervals"] = []

    yield Item("no interval", case.sealed(edited(files, "completeness.json", no_interval)), "completeness")
    yield Item("no completeness at all", case.sealed(without(files, "completeness.json")), "")

    allowed = {**told[refused], "action": "send", "codes": []}
    yield Item("a refusal made a sending", case.sealed({**files, refused: canonical(allowed)}), "entries")

    opening = f"openings/{tail}.json"

    def other_text(value: Any) -> None:
        for each in value["openings"]:
            if each["field"] == "text":
                each["value"] = "【云麓图书馆】您预约的图书已到馆"

    yield Item("another text", case.sealed(edited(files, opening, other_text)), "openings")

    def other_field(value: Any) -> None:
        value["openings"][0]["field"] = "customer"

    yield Item("another field", case.sealed(edited(files, opening, other_field)), "openings")

    def moved(value: Any) -> None:
        value["index"] = number - 1

    yield Item("an opening moved", case.sealed(edited(files, opening, moved)), "openings")
    yield Item("an opening kept back", case.sealed(without(files, opening)), "custody")
    body = next(name for name in sorted(files) if name.startswith("registry/"))
    yield Item(
        "another licence", case.sealed({**files, body: files[body].replace(b"active", b"Active")}), "registry"
    )

    def no_history(value: Any) -> None:
        value["chain"][0]["to_next"] = []

    yield Item("no consistency", case.sealed(edited(files, "case.json", no_history)), "history")

    def longer(value: Any) -> None:
        value["chain"][-1]["to_next"] = ["00" * 32]

    yield Item("a proof that leads nowhere", case.sealed(edited(files, "case.json", longer)), "history")

    def other_case(value: Any) -> None:
        value["case"] = "another"

    yield Item("another case", case.sealed(edited(files, "case.json", other_case)), "custody")

    def other_time(value: Any) -> None:
        value["made_at"] -= 1

    yield Item("another time", case.sealed(edited(files, "case.json", other_time)), "custody")
    healthy = files["environment.json"].replace(b'"hazards":[', b'"hazards":[],"h":[')
    yield Item("a healthier machine", case.sealed({**files, "environment.json": healthy}), "custody")
    stamp = next(name for name in sorted(files) if name.endswith(".tsr"))
    roots = Authority(case.data.parent / f"tsa-{random.random()}").roots
    yield Item("another authority", case.sealed({**files, "timestamps/roots.pem": roots}), "timestamps")
    yield Item("no roots", case.sealed({**files, "timestamps/roots.pem": b""}), "timestamps")
    yield Item("a token cut", case.sealed({**files, stamp: files[stamp][:-3]}), "timestamps")

    def unlisted(value: Any) -> None:
        value["timestamps"] = []

    yield Item("a token nobody listed", case.sealed(edited(files, "case.json", unlisted)), "timestamps")
    yield Item(
        "a newer format",
        case.sealed(edited(files, "case.json", lambda v: v.update(format="tideng-evidence-bundle/2"))),
        "manifest",
    )
    yield Item("a file too many", case.sealed({**files, "notes.txt": b"hello"}), "")
    yield Item("an entry too many", case.sealed({**files, "entries/000000999999.json": b"{}"}), "entries")
    yield Item(
        "unsorted keys",
        case.sealed({**files, "case.json": files["case.json"].replace(b'{"asked"', b'{"zz":1,"asked"')}),
        "manifest",
    )
    yield Item("a name with dots", case.sealed({**files, "entries/../x": b""}), "container")
    yield Item(
        "a quorum nobody met",
        case.sealed({**files, "policy.txt": files["policy.txt"].replace(b"quorum none", b"quorum me")}),
        "manifest",
    )
    yield Item("no policy", case.sealed(without(files, "policy.txt")), "manifest")
    stranger = signing_key(case.data.parent / f"other-{random.random()}.key")
    yield Item("another key", seal_files(without(files, MANIFEST), ORIGIN, stranger), "manifest")
