"""The bundle verifier as one file that any Python from 3.11 on runs: nothing to install, nothing to trust
but what can be read in it."""

import io
import zipfile
from importlib import resources
from typing import Final

PACKAGE: Final = "tideng.evidence.verifier"
START: Final = f"import sys\nfrom {PACKAGE}.__main__ import main\nsys.exit(main())\n"


def one_file() -> bytes:
    """The executable archive (PEP 441). The same sources give the same bytes."""
    folder = PACKAGE.replace(".", "/")
    modules = {
        f"{folder}/{path.name}": path.read_bytes()
        for path in resources.files(PACKAGE).iterdir()
        if path.name.endswith(".py")
    }
    modules |= {"tideng/__init__.py": b"", "tideng/evidence/__init__.py": b"", "__main__.py": START.encode()}
    out = io.BytesIO()
    out.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(modules):
            archive.writestr(zipfile.ZipInfo(name), modules[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()
