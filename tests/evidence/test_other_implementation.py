"""`aics-tlog`, somebody else's C2SP implementation, reads what we publish. It needs Python 3.12.

Name an interpreter that has it in AICS_PYTHON when the one running the tests is older.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evidence.test_proof_and_policy import EYES, SEEN
from evidence.test_publication import ME as LOG
from evidence.test_publication import ORIGIN, Kept, publish
from tideng.evidence import merkle
from tideng.evidence.checkpoint import parse_checkpoint
from tideng.evidence.note import cosign, encode_vkey, split_note

PYTHON = os.environ.get("AICS_PYTHON", sys.executable)
HAS_IT = subprocess.run([PYTHON, "-c", "import aics_tlog"], capture_output=True).returncode == 0
pytestmark = pytest.mark.skipif(not HAS_IT, reason="no Python with aics-tlog; name one in AICS_PYTHON")

SCRIPT = """
import base64, json, sys
from aics_tlog import FileSystemTileReader, audit_tiles, parse_note, parse_vkey, read_entry
from aics_tlog import verify_checkpoint, verify_consistency, verify_leaf_inclusion
told = json.load(sys.stdin)
found = []
for case in told["logs"]:
    note = parse_note(case["note"])
    witnesses = [parse_vkey(v) for v in case["witnesses"]]
    result = verify_checkpoint(note, parse_vkey(case["log"]), witnesses, case["quorum"],
                               expected_origin=case["origin"])
    assert result.ok, result
    reader = FileSystemTileReader(case["folder"])
    audit_tiles(reader, case["size"], base64.b64decode(case["root"]))
    assert read_entry(reader, case["size"] - 1, case["size"]) == base64.b64decode(case["last"])
    found.append(case["size"])
un = lambda hashes: [base64.b64decode(h) for h in hashes]
for old, new, a, b, proof in told["consistency"]:
    assert verify_consistency(old, new, *un([a, b]), un(proof)), (old, new)
for index, size, leaf, proof, root in told["inclusion"]:
    assert verify_leaf_inclusion(*un([leaf]), index, size, un(proof), *un([root])), (index, size)
print(json.dumps(found))
"""


def b64(octets: bytes) -> str:
    import base64

    return base64.b64encode(octets).decode()


def test_it_accepts_our_logs_proofs_and_cosignatures(tmp_path: Path) -> None:
    kept = Kept(1_300)
    logs = []
    for size in (1, 255, 256, 257, 1_300):
        folder = tmp_path / str(size)
        publish(kept, size, folder)
        note = kept.note(size)
        text, _ = split_note(note)
        note += b"".join(cosign(text, SEEN[n].name, EYES[n], 1_700_000_000) for n in (0, 1))
        logs.append(
            {
                "folder": str(folder),
                "note": note.decode(),
                "log": encode_vkey(LOG),
                "witnesses": [encode_vkey(SEEN[n]) for n in range(3)],
                "quorum": 2,
                "origin": ORIGIN,
                "size": size,
                "root": b64(parse_checkpoint(text).root),
                "last": b64(kept.all[size - 1]),
            }
        )
    consistency = [
        (old, new, b64(kept.root(old)), b64(kept.root(new)),
         [b64(h) for h in merkle.consistency_proof(old, new, kept.hashes)])
        for new in range(1, 300, 7) for old in range(1, new + 1, 3)
    ]  # fmt: skip
    inclusion = []
    for size in (1, 2, 255, 257, 1_300):
        for index in range(0, size, 11):
            proof = [b64(h) for h in merkle.inclusion_proof(index, size, kept.hashes)]
            inclusion.append((index, size, b64(kept.all[index]), proof, b64(kept.root(size))))
    done = subprocess.run(
        [PYTHON, "-c", SCRIPT],
        input=json.dumps({"logs": logs, "consistency": consistency, "inclusion": inclusion}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [1, 255, 256, 257, 1_300]
