"""Makes the table of public suffixes that the text room ships: run it, look at the difference, commit.

    python -m tools.make_suffixes YYYY-MM-DD

From the list that the installed `tldextract` carries (Mozilla's, MPL-2.0), so that nothing is fetched. Rules
of one label are left out: any single label is a suffix. Names outside ASCII stand in both their forms.
"""

import sys
from pathlib import Path
from typing import Final

import tldextract
from tldextract.suffix_list import get_suffix_lists

TABLE: Final = Path(__file__).parent.parent / "src/tideng/text/knowledge/public_suffixes.txt"
HEAD: Final = """\
// Public suffixes of two labels and more, from the list at publicsuffix.org (Mozilla and its contributors),
// which is under the Mozilla Public License 2.0: https://mozilla.org/MPL/2.0/. This extract is under it too.
// By tldextract {version}, {date}. Made by tools/make_suffixes.py.
"""


def main() -> None:
    """Write the table."""
    from tldextract.cache import DiskCache

    public, private = get_suffix_lists(
        DiskCache(None), urls=(), cache_fetch_timeout=None, fallback_to_snapshot=True
    )
    rules = set[str]()
    for rule in (*public, *private):
        if "." in rule:
            rules |= {rule.lower(), _ascii(rule.lower())}
    head = HEAD.format(version=tldextract.__version__, date=sys.argv[1])
    TABLE.write_text(head + "\n".join(sorted(rules)) + "\n", encoding="utf-8")


def _ascii(rule: str) -> str:
    labels = rule.removeprefix("!").split(".")
    written = ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels
    )
    return "!" * rule.startswith("!") + written


if __name__ == "__main__":
    main()
