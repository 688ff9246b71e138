"""What is a disguise, and what only looks odd."""

import pytest

from text_judging.ready import codes


@pytest.mark.parametrize(
    "text",
    [
        "我爱中国🇨🇳",
        "🇨🇳🇯🇵两国友谊赛",
        "King🇮🇳🔥 For more videos Join",
        "1️⃣上午集合 2️⃣中午吃饭 3️⃣下午返程",
        "今天①号楼②号楼停水",
        "Всё ещё главная проблема с евробондами",
        "𝐄𝐝𝐢𝐭 𝐁𝐲 me",
        "ᴜsᴇ ʜᴇᴀᴅᴘʜᴏɴᴇs",
        "角α和角β相等",
        "祝大家新年快乐🎉❤️",
        "👨‍👩‍👧‍👦一家人",
    ],
)
def test_odd_and_ordinary(text: str) -> None:
    assert "DISGUISED_LETTERS" not in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "加🇻🇽abc123",
        "加我🇶🇶",
        "电话1️⃣3️⃣8️⃣0000",
        "☎1⃣3⃣0⃣0000",
        "Your PаyPal account",
        "您的𝐯信",
        "加ВХ号",
        "贷\u200b款秒下",
        "亻言用卡",
    ],
)
def test_disguises(text: str) -> None:
    assert "DISGUISED_LETTERS" in codes(text)
