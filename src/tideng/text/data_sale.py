"""Posts that sell personal data: what is sold, how it is offered, whom to contact; and who posts alike.

Three slots to evidence. A post is data for sale when the finding DATA_FOR_SALE stands; the points only order
posts for a reader. Contacts are masked unless asked otherwise.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tideng.text.judging import Judge
from tideng.text.sights import Sights
from tideng.text.skeletons import skeleton

CODE: Final = "DATA_FOR_SALE"
WHAT: Final = (
    "goods_strong",
    "lookup_strong",
    "record",
    "record2",
    "record3",
    "record4",
    "spy",
    "fans",
    "goods",
)
OFFER: Final = ("price_each", "sample", "offer", "fresh", "detective", "lookup")
CONTACT: Final = ("account", "phone", "contact_word", "link")
POINTS: Final = {
    "goods_strong": 4.0,
    "lookup_strong": 3.0,
    "record": 1.5,
    "record2": 1.5,
    "record3": 1.5,
    "record4": 1.5,
    "spy": 3.0,
    "fans": 2.0,
    "data_word": 1.5,
    "detective": 2.0,
    "lookup": 1.5,
    "trace": 1.0,
    "price_each": 1.0,
    "sample": 1.0,
    "gray": 0.8,
    "offer": 0.4,
    "fresh": 0.4,
    "trade": 0.4,
}
HARASSMENT: Final = re.compile(r"轰炸|呼死你|云呼")
"""Posts that sell harassment name the same tools; they are another trade."""
STANDING: Final = 5.0
"""Points for the finding itself."""
WORDS_MAX: Final = 12
_PRICE: Final = re.compile(
    r"([0-9]{1,5}(?:\.[0-9]{1,3})?|[一二两三四五六七八九])\s?(元|块|毛|分|角|u)?\s?(?:/|一|每|1)?\s?(?:条|个|份|组)"
    r"|(?:一条|每条|1条)\s?([0-9]{1,4}(?:\.[0-9]{1,3})?|[一二两三四五六七八九])\s?(元|块|毛|分|角|u)?"
)
_LOT: Final = re.compile(r"([0-9]{1,6})\s?(万)?条?\s?(?:打包|一共|共|只要|总共)\s?([0-9]{2,7})\s?(?:元|块)?")
_DIGITS: Final = {char: place for place, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_UNIT: Final = {"元": 1.0, "块": 1.0, "毛": 0.1, "角": 0.1, "分": 0.01, "u": 7.2, "": 1.0}
"""A U is reckoned at 7.2 yuan: an order of magnitude for a reader, no exchange rate."""
PRICE_MAX: Final = 5_000.0


class Sale(Struct, frozen=True):
    """What one post says about data for sale."""

    for_sale: bool
    points: float
    what: tuple[str, ...]
    offer: tuple[str, ...]
    contacts: tuple[str, ...]
    yuan_per_record: float | None
    skeleton: str


class Cluster(Struct, frozen=True):
    """Posts of one seller: the same contact, or the same skeleton."""

    posts: tuple[int, ...]
    contacts: tuple[str, ...]
    why: tuple[str, ...]


def read_sales(judge: Judge, texts: Sequence[str]) -> list[Sale]:
    """What every post says. Contacts are whole; `mask_contact` hides them."""
    found: list[Sale] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        sights = judge.sights(batch)
        judged = judge.judge_many(batch)
        for place, text in enumerate(batch):
            stands = judged[place].data_for_sale
            found.append(_sale(judge, sights, place, text, stands))
    return found


_BATCH: Final = 500


def _sale(judge: Judge, sights: Sights, place: int, text: str, stands: bool) -> Sale:
    names = judge.reader.book.slot_names
    number = {name: index for index, name in enumerate(names)}
    folded = sights.block.folded(place)

    def words(slot: str) -> list[str]:
        index = number.get(f"data_for_sale.{slot}", number.get(slot))
        spans = sights.of_text(index, place) if index is not None else []
        places = [sights.block.span(place, *span) for span in spans]
        return [text[a:b] for a, b in places]

    points = STANDING if stands else 0.0
    for slot, worth in POINTS.items():
        seen = set(words(slot))
        points += worth * min(len(seen), 3) ** 0.5 if seen else 0.0
    if HARASSMENT.search(folded):
        points /= 4
    what = tuple(dict.fromkeys(w for slot in WHAT for w in words(slot)))[:WORDS_MAX]
    offer = tuple(dict.fromkeys(w for slot in OFFER for w in words(slot)))[:WORDS_MAX]
    contacts = tuple(dict.fromkeys(w.strip() for slot in ("account", "phone", "link") for w in words(slot)))
    return Sale(
        stands, round(points, 3), what, offer, contacts[:WORDS_MAX], price_of(folded), skeleton(folded)
    )


def price_of(folded: str) -> float | None:
    """Yuan per record, from a price for each or for a lot; None where none is named."""
    lot = _LOT.search(folded)
    if lot is not None:
        records = int(lot[1]) * (10_000 if lot[2] else 1)
        if records >= 100:
            return round(int(lot[3]) / records, 4)
    for match in _PRICE.finditer(folded):
        amount, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
        if not unit and "." not in amount:
            continue
        value = float(_DIGITS.get(amount, 0) or amount if amount not in _DIGITS else _DIGITS[amount])
        price = value * _UNIT[unit or ""]
        if 0 < price <= PRICE_MAX:
            return round(price, 4)
    return None


def mask_contact(contact: str) -> str:
    """The contact with its middle hidden, so that two posts may be compared but nobody be called."""
    kept = max(1, len(contact) // 4)
    return contact[: kept + 1] + "*" * max(3, len(contact) - 2 * kept - 1) + contact[-kept:]


def clusters(sales: Sequence[Sale]) -> list[Cluster]:
    """Posts for sale that share a contact or a skeleton, largest group first."""
    parent = list(range(len(sales)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[str, int] = {}
    for place, sale in enumerate(sales):
        if not sale.for_sale:
            continue
        keys = [f"contact {c.lower()}" for c in sale.contacts] + [f"skeleton {sale.skeleton}"]
        for key in keys:
            if key in first:
                parent[root(place)] = root(first[key])
            else:
                first[key] = place
    groups: dict[int, list[int]] = {}
    for place, sale in enumerate(sales):
        if sale.for_sale:
            groups.setdefault(root(place), []).append(place)
    found = []
    for posts in groups.values():
        if len(posts) < 2:
            continue
        contacts = tuple(dict.fromkeys(c for place in posts for c in sales[place].contacts))
        alike = len({sales[place].skeleton for place in posts}) < len(posts)
        shared = any(sum(c in sales[place].contacts for place in posts) > 1 for c in contacts)
        why = (("same contact",) if shared else ()) + (("same skeleton",) if alike else ())
        found.append(Cluster(tuple(posts), contacts, why))
    return sorted(found, key=lambda cluster: (-len(cluster.posts), cluster.posts))
