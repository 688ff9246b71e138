"""The page of codes is what the knowledge files say."""

from house.source import ROOT
from text_judging.ready import judge
from tideng.text.family_page import families_markdown


def test_the_page_is_generated_from_the_knowledge() -> None:
    page = ROOT / "docs" / "text" / "findings.md"
    assert page.read_text(encoding="utf-8") == families_markdown(judge().reader.book)
