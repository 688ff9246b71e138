"""The table of public suffixes, held to `tldextract`; and what it is for: whose name a host is below."""

from typing import Final

import pytest
import tldextract
from hypothesis import given
from hypothesis import strategies as st

from text_judging.ready import codes, judge
from tideng.text.knowledge import bundled_knowledge
from tideng.text.links_seen import kinds_of
from tideng.text.named import entities_of
from tideng.text.suffixes import SuffixesInvalid, read_suffixes

CONTENT: Final = bundled_knowledge()["public_suffixes.txt"]
SUFFIXES: Final = read_suffixes(CONTENT)
THEIRS: Final = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
RULES: Final = [line for line in CONTENT.decode().splitlines() if line and not line.startswith("//")]


def ours_and_theirs(host: str) -> tuple[str, str]:
    theirs = THEIRS.extract_str(host)
    return SUFFIXES.registered_domain(host), theirs.top_domain_under_public_suffix or host


def test_every_rule_of_the_table_is_read_as_tldextract_reads_it() -> None:
    for rule in RULES:
        name = rule.removeprefix("!").replace("*", "any")
        for host in (f"one.{name}", f"two.one.{name}", name):
            ours, theirs = ours_and_theirs(host)
            assert ours == theirs, host


@given(st.sampled_from(RULES), st.lists(st.sampled_from(["www", "a", "com", "cn", "co"]), max_size=3))
def test_so_are_hosts_below_and_above_it(rule: str, front: list[str]) -> None:
    name = rule.removeprefix("!").replace("*", "x")
    ours, theirs = ours_and_theirs(".".join([*front, name]))
    assert ours == theirs


@pytest.mark.parametrize(
    ("host", "registered"),
    [
        ("www.example.com.cn", "example.com.cn"),
        ("m.example.co.za", "example.co.za"),
        ("bank.some.github.io", "some.github.io"),
        ("example.bj.cn", "example.bj.cn"),
        ("www.ck", "www.ck"),
        ("com", "com"),
        ("", ""),
    ],
)
def test_the_part_that_somebody_registered(host: str, registered: str) -> None:
    assert SUFFIXES.registered_domain(host) == registered


def test_a_host_below_an_official_name_is_official_and_one_that_only_begins_with_it_is_not() -> None:
    hosts = judge().reader.book.hosts
    assert kinds_of("mybank.icbc.com.cn", hosts) == ("official_link",)
    assert "official_link" not in kinds_of("icbc.com.cn.pay-safe.top", hosts)
    assert "fake_link" in kinds_of("icbc.github.io", hosts)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("访问 icbc-jf.top。qq群见", "icbc-jf.top"),
        ("访问icbc-jf。top。qq群见", "icbc-jf。top"),
        ("访问icbc-jf。com。cn", "icbc-jf。com。cn"),
        ("访问 icbc-jf[.]com[.]cn/a", "icbc-jf[.]com[.]cn/a"),
    ],
)
def test_a_full_stop_ends_a_host_unless_its_dots_are_written_so(text: str, seen: str) -> None:
    assert [e.seen for e in entities_of(judge(), text) if e.kind == "link"] == [seen]


def test_behind_a_scheme_any_ending_is_a_host() -> None:
    assert "LOOKALIKE_LINK" in codes("请登录 http://icbc-jf.zzzz/x 更新账户信息,否则停用")
    assert "LOOKALIKE_LINK" not in codes("请登录 icbc-jf.zzzz/x 更新账户信息,否则停用")


@pytest.mark.parametrize("line", ["com", " co.uk", "CO.uk", "a.*.uk"])
def test_a_line_that_is_no_rule_is_named(line: str) -> None:
    with pytest.raises(SuffixesInvalid, match="line 2"):
        read_suffixes(b"// head\n" + line.encode() + b"\n")
