"""The report of a screening as one HTML page that stands alone."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Final

from tideng.documents import charts, standalone
from tideng.text.data_sale import Cluster, Sale, mask_contact

POSTS_SHOWN_MAX: Final = 2_000
WORDS_SHOWN: Final = 15


def report_html(
    ids: Sequence[str],
    texts: Sequence[str],
    sales: Sequence[Sale],
    groups: Sequence[Cluster],
    unread: int,
    source: str,
    at: datetime,
    *,
    unmask: bool,
) -> str:
    """The page: figures, what is sold, sellers, and every post with what was seen in it."""
    sold = [place for place, sale in enumerate(sales) if sale.for_sale]
    prices = sorted(p for place in sold if (p := sales[place].yuan_per_record) is not None)
    words: dict[str, int] = {}
    for place in sold:
        for word in sales[place].what:
            words[word] = words.get(word, 0) + 1
    common = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:WORDS_SHOWN]
    middle = f"{prices[len(prices) // 2]:g}" if prices else "–"
    body = [
        "<h1>个人信息贩卖帖筛查 · Posts that sell personal data</h1>",
        f'<p class="muted">{escape(source)} · {at:%Y-%m-%d %H:%M} UTC</p>',
        '<ul class="figures">',
        *(
            f"<li><b>{value}</b>{name}</li>"
            for value, name in (
                (f"{len(sales):,}", "帖子 posts"),
                (f"{len(sold):,}", "疑似贩卖 sell data"),
                (len(groups), "卖家群组 sellers"),
                (middle, "元/条(中位) yuan per record"),
                (f"{unread:,}", "未能读取 not read"),
            )
        ),
        "</ul>",
        '<p class="note">这是筛查,不是鉴定:每条都要由人核对原帖。价格按帖中所写换算。 '
        "A screening, no appraisal: a person checks every post.</p>",
    ]
    if common:
        body.append("<h2>卖什么 · What is sold</h2>")
        body.append(charts.bars([charts.Bar(word, n) for word, n in common], title="posts that name it"))
    body.append("<h2>卖家群组 · Sellers</h2>")
    body += _sellers(ids, groups, unmask) or ["<p>没有。 None.</p>"]
    body.append("<h2>帖子 · Posts</h2>")
    body.append(_posts(ids, texts, sales, sold, unmask))
    return standalone.page(title="Posts that sell personal data", body="\n".join(body))


def _sellers(ids: Sequence[str], groups: Sequence[Cluster], unmask: bool) -> list[str]:
    if not groups:
        return []
    rows = [
        f"<tr><td>{number}</td><td>{len(group.posts)}</td><td>{escape('; '.join(group.why))}</td>"
        f"<td class='mono'>{escape(', '.join(_shown(group.contacts, unmask)[:8]))}</td>"
        f"<td>{escape(', '.join(ids[place] for place in group.posts[:20]))}</td></tr>"
        for number, group in enumerate(groups, 1)
    ]
    head = "<tr><th>#</th><th>帖 posts</th><th>依据 why</th><th>联系 contacts</th><th>id</th></tr>"
    return [f"<div class='scroll'><table>{head}{''.join(rows)}</table></div>"]


def _posts(
    ids: Sequence[str], texts: Sequence[str], sales: Sequence[Sale], sold: Sequence[int], unmask: bool
) -> str:
    rows = []
    for place in sorted(sold, key=lambda one: -sales[one].points)[:POSTS_SHOWN_MAX]:
        sale = sales[place]
        price = "" if sale.yuan_per_record is None else f"{sale.yuan_per_record:g}"
        rows.append(
            f"<tr><td>{escape(ids[place])}</td><td>{_marked(texts[place], sale, unmask)}</td>"
            f"<td>{escape('、'.join(sale.what))}</td><td>{escape('、'.join(sale.offer))}</td>"
            f"<td class='mono'>{escape(', '.join(_shown(sale.contacts, unmask)))}</td>"
            f"<td class='number'>{price}</td></tr>"
        )
    head = (
        "<tr><th>id</th><th>文本 text</th><th>卖什么 what</th><th>怎么卖 offer</th><th>联系 contact</th>"
        "<th class='number'>元/条</th></tr>"
    )
    return f"<div class='scroll'><table>{head}{''.join(rows)}</table></div>"


def _shown(contacts: Sequence[str], unmask: bool) -> list[str]:
    return list(contacts) if unmask else [mask_contact(one) for one in contacts]


def _marked(text: str, sale: Sale, unmask: bool) -> str:
    """The text with contacts masked and what is sold marked."""
    if not unmask:
        for contact in sale.contacts:
            text = text.replace(contact, mask_contact(contact))
    shown = escape(text.encode("utf-8", "replace").decode()[:600])
    for word in sorted(set(sale.what), key=len, reverse=True)[:1]:
        shown = shown.replace(escape(word), f"<mark>{escape(word)}</mark>")
    return shown
