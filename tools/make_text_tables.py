"""Makes the character tables that the text room ships: run it, look at the difference, commit.

    python -m tools.make_text_tables

`folds.tsv`: what a character is read as, and what kind of fold that is. `sounds.tsv`: which ideographs share
a syllable, so that a word can be found by its sound. Both are made from the Unicode data of Python, OpenCC
and pypinyin, and from the hand-written look-alikes below; the shipped files decide, not the library versions.
"""

import sys
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Final

import opencc
from pypinyin import Style, pinyin

TABLES: Final = Path(__file__).parent.parent / "src/tideng/text/tables"

_PAIRS: Final = (
    # Cyrillic and Greek letters that look like Latin ones.
    "аa еe оo рp сc уy хx іi јj ѕs һh ԁd ԛq ԝw вb мm нh кk тt зz пn гr АA ВB ЕE КK МM НH ОO РP СC ТT "
    "УY ХX ЅS ІI ЈJ αa οo ρp νv υu κk τt χx γy ιi ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX "
    # Latin relatives and symbols.
    "ıi ɡg ɑa ʟl Ɩl ǀl ∣l ℮e ʀr ɴn ᴀa ʙb ᴄc ᴅd ᴇe ғf ɢg ʜh ɪi ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ʏy ᴢz ➕+ ✚+ "
    # Ideographs that stand for others in disguised texts; each is rare or has no ordinary use of its own.
    "囙因 囬回 彔录 叧另 昰是 妸可 嘚得 仩上 芣不 犮发 亼人 冋同 厷公 亍行 徴微 伩信 囯国 妗金 "
    "魡的 莪我 伱你 咜它 祢你 莬免 苐第 狆中 傢家 浭更 噺新 蒊花 蓃搜 扗在 魃发 菿到 箌到 "
    "揂聚 嗠络 査查 侢再 鋶流 愙客 冨富 汔气 恠怪 曰日 巳已 鉲卡 鈊信 迋王 溮师 幵开 "
    "甪用 䛊证 咾老 騐验 佥金 "
    "妎你 沵你 硪我 恏好 澬资 唫金 僙黄 糀花 噭叫 吇子 倁知 檤道 浬里 哋地 煶是 湜是 "
    "彵他 咃他 旳的 烸每 兲天 亖四 仈八 氿九 ƒf "
)
LOOKALIKES: Final = {pair[0]: pair[1] for pair in _PAIRS.split() if pair[0] != pair[1]}
# Read as another one in disguised texts; in ordinary ones a sound or a joke, so no evidence by itself.
QUIET: Final = {"咔": "卡"}
RADICALS: Final = {"⺅": "亻", "⺡": "氵", "⺘": "扌", "⻐": "钅", "⺄": "乙", "⺨": "犭", "⻏": "阝"}
EMOJI_LETTERS: Final = {
    **{chr(0x1F170 + i): chr(97 + i) for i in range(26)},
    **{chr(0x1F150 + i): chr(97 + i) for i in range(26)},
    **{chr(0x1F1E6 + i): chr(97 + i) for i in range(26)},
    **{chr(0x24EB + i): str(11 + i) for i in range(10)},
    **{chr(0x2776 + i): str(1 + i) for i in range(10)},
    **{chr(0x2780 + i): str(1 + i) for i in range(10)},
    **{chr(0x278A + i): str(1 + i) for i in range(10)},
    **{chr(0x24F5 + i): str(1 + i) for i in range(10)},
    "⓿": "0",
    "🔟": "10",
}
JOINERS: Final = {0x200D, 0xFE0E, 0xFE0F}
FILLERS: Final = {0x115F, 0x1160, 0x3164, 0xFFA0, 0x17B4, 0x17B5, 0x034F, 0x180B, 0x180C, 0x180D, 0x180E}
KEPT_CONTROLS: Final = {0x09, 0x0A, 0x0D, 0x1E}


def kind_and_target(point: int, converter: opencc.OpenCC) -> tuple[str, str] | None:
    """What the character is read as, and the kind of fold; None when it stays."""
    char = chr(point)
    if 0xD800 <= point <= 0xDFFF:
        return "broken", "\ufffd"
    if point in JOINERS:
        return "joiner", ""
    category = unicodedata.category(char)
    if point in FILLERS or category == "Cf" or 0xFE00 <= point <= 0xFE0F or 0xE0000 <= point <= 0xE0FFF:
        return "invisible", ""
    if category == "Cc" and point not in KEPT_CONTROLS:
        return "control", ""
    if category in ("Mn", "Me"):
        return "combining", ""
    if 0xAC00 <= point <= 0xD7A3 or 0x1100 <= point <= 0x11FF:
        return None  # Hangul: its syllables stay whole.
    if char in EMOJI_LETTERS:
        return "letterlike", EMOJI_LETTERS[char]
    if char in LOOKALIKES:
        return "lookalike", LOOKALIKES[char].lower()
    if char in QUIET:
        return "compatible", QUIET[char]
    if char in RADICALS:
        return "compatible", RADICALS[char]
    if category in ("Zs", "Zl", "Zp") and point != 0x20:
        return "compatible", " " if category == "Zs" else "\n"
    spread = unicodedata.normalize("NFKD", char)
    plain = "".join(c for c in spread if unicodedata.category(c) not in ("Mn", "Me", "Cf")).casefold()
    plain = "".join(LOOKALIKES.get(c, c) if ord(c) > 0x2E80 else c for c in plain)
    simple = "".join(converter.convert(c) if c >= "\u2e80" else c for c in plain)
    if simple == char:
        return None
    if plain != simple and plain == char:
        return "traditional", simple
    is_fancy = 0x1D400 <= point <= 0x1D7FF or 0x2460 <= point <= 0x24FF or 0x1F100 <= point <= 0x1F1FF
    return ("letterlike" if is_fancy else "compatible"), simple


def folds() -> list[str]:
    """Every line of folds.tsv: code point or range, kind, target as code points."""
    converter = opencc.OpenCC("t2s")
    table = {p: found for p in range(0x110000) if (found := kind_and_target(p, converter)) is not None}
    lines: list[str] = []
    previous = (-2, "", "")
    for point, (kind, given) in sorted(table.items()):
        target = given
        for _ in range(4):
            # To a fixed point, so that reading a folded text folds nothing more.
            again = "".join(table[ord(c)][1] if ord(c) in table else c for c in target)
            if again == target:
                break
            target = again
        if target == chr(point):
            continue
        if previous == (point - 1, kind, target) and len(target) < 2:
            lines[-1] = f"{lines[-1].split('-')[0].split(chr(9))[0]}-{point:x}\t{kind}\t{_points(target)}"
        else:
            lines.append(f"{point:x}\t{kind}\t{_points(target)}")
        previous = (point, kind, target)
    return lines


def _points(text: str) -> str:
    return " ".join(f"{ord(c):x}" for c in text)


def sounds() -> list[str]:
    """Every line of sounds.tsv: the syllable without tone, and the ideographs that are read so."""
    by_syllable: dict[str, list[str]] = defaultdict(list)
    for point in range(0x4E00, 0x9FA6):
        char = chr(point)
        try:
            char.encode("gb2312")
        except UnicodeEncodeError:
            continue
        read = pinyin(char, style=Style.NORMAL, heteronym=False)[0][0]
        if read.isascii() and read.isalpha():
            by_syllable[read].append(char)
    return [f"{syllable}\t{''.join(chars)}" for syllable, chars in sorted(by_syllable.items())]


if __name__ == "__main__":
    TABLES.mkdir(exist_ok=True)
    for name, lines in (("folds.tsv", folds()), ("sounds.tsv", sounds())):
        (TABLES / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        sys.stdout.write(f"{name} {len(lines)}\n")
