"""Pages that stand alone: one HTML file that asks nothing of any network. Pure.

The policy in the page forbids every script, frame and request; its one style sheet is allowed by its hash
(Content Security Policy Level 3, §8.3). So the file may be mailed, archived and opened offline.
"""

import base64
import hashlib
from html import escape
from typing import Final

STYLE: Final = """
:root{color-scheme:light}
body{font:16px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;color:#1c1c1c;
background:#fff;max-width:60rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.7rem;line-height:1.3}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:2px solid #1b5e8c}
h3{font-size:1.05rem}
table{border-collapse:collapse;margin:.8rem 0;width:100%}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{border-bottom:1px solid #c9c9c9;padding:.35rem .6rem;text-align:left;vertical-align:top}
th{background:#eef3f7}td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
code,.mono{font-family:ui-monospace,Consolas,monospace;font-size:.92em;overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}
.figures li{border:1px solid #c9c9c9;border-top:4px solid #1b5e8c;padding:.7rem 1rem;min-width:9rem}
.figures b{display:block;font-size:1.5rem;line-height:1.2}
.note{border-left:4px solid #b3541e;background:#fbf4ee;padding:.6rem 1rem}
.muted{color:#555}mark{background:#ffe9a8;color:inherit}
.scroll{overflow-x:auto}svg{max-width:100%;height:auto}
a{color:#124a70}
@media print{body{max-width:none;padding:0}h2{break-after:avoid}table,svg{break-inside:avoid}}
"""
"""One sheet for all reports; classes: figures, number, note, muted, mono, scroll."""


def page(*, title: str, body: str, language: str = "zh-CN", style: str = "") -> str:
    """A whole HTML document around `body` (HTML that the caller escaped). `style` is added to `STYLE`."""
    sheet = STYLE + style
    named = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{named}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{sheet}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
