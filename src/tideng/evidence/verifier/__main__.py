"""`python tideng-verify.pyz BUNDLE`, and `tideng evidence verify BUNDLE`: ten steps, then the verdict."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tideng.evidence.verifier.steps import ABSENT, FAILED, OK, STEPS, Report, verify

BUNDLE_BYTES_MAX: Final = 2**32
MARKS: Final = {OK: "✔", FAILED: "✘", ABSENT: "–"}


def run(file: Path, policy: Path | None, *, as_json: bool, write: Callable[[str], object]) -> int:
    """Verify a file and write what was found. 0: it holds; 1: it does not; 2: it cannot be read."""
    try:
        if file.stat().st_size > BUNDLE_BYTES_MAX:
            write(f"{file}: over {BUNDLE_BYTES_MAX} bytes; that is no bundle\n")
            return 2
        octets = file.read_bytes()
        trusted = policy.read_bytes() if policy else None
    except OSError as error:
        write(f"{error.filename}: {error.strerror}\n")
        return 2
    report = verify(octets, trusted)
    write(_json(octets, report) if as_json else _text(octets, report))
    return 0 if report.is_verified else 1


def _json(octets: bytes, report: Report) -> str:
    told = {
        "verified": report.is_verified,
        "bundle": hashlib.sha256(octets).hexdigest(),
        "trusted": report.trusted,
        "keys": report.keys,
        "timestamp_roots": report.roots,
        "steps": [
            {
                "number": i + 1,
                "name": name,
                "status": report.statuses[i],
                "says": report.says[i],
                "proves": en,
            }
            for i, (name, en, _) in enumerate(STEPS)
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _text(octets: bytes, report: Report) -> str:
    lines = [f"bundle 证据包 SHA-256 {hashlib.sha256(octets).hexdigest()}", ""]
    for i, (name, en, zh) in enumerate(STEPS):
        status = report.statuses[i]
        lines.append(f"{MARKS.get(status, ' ')} {i + 1:2} {name}: {report.says[i] or status}")
        if status in (OK, FAILED):
            lines.append(f"      {'proves' if status == OK else 'not shown'} 证明: {en} · {zh}")
    lines.append("")
    if report.is_verified:
        lines.append("VERIFIED 核验通过: every step that applies holds.")
    else:
        lines.append("NOT VERIFIED 核验未通过: see the steps marked ✘.")
    if report.trusted == "bundle":
        lines.append(
            "These keys came with the bundle; compare them with keys you got another way 请另行比对公钥:"
        )
        lines += [f"  {key}" for key in report.keys]
    lines += [f"  time-stamping root 时间戳根证书 SHA-256 {root}" for root in report.roots]
    return "\n".join(lines) + "\n"


def main() -> int:
    """The command line of the stand-alone file."""
    parser = argparse.ArgumentParser(prog="tideng-verify", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--policy", type=Path, help="a C2SP tlog-policy you got elsewhere")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    asked = parser.parse_args()
    return run(asked.bundle, asked.policy, as_json=asked.json, write=sys.stdout.write)


if __name__ == "__main__":
    sys.exit(main())
