"""`python -m tools.verify_page`: write the hashes of verify.html's script and style into its own policy."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[1] / "src" / "tideng" / "evidence" / "verify.html"


def with_hashes(page: str) -> str:
    """The page whose policy allows exactly the script and the style it holds."""
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        if found is None:
            raise ValueError(f"the page has no {tag}")
        named = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        page = re.sub(rf"{directive} 'sha256-[^']*'", f"{directive} 'sha256-{named}'", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(with_hashes(PAGE.read_text("utf-8")), "utf-8")
