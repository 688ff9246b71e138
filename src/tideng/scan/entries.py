"""What an appraisal writes into its ledger: one Struct per kind. No personal data: counts, hashes,
settings.
"""

from typing import Literal

from msgspec import Struct

from tideng.evidence.entries import declare


class ScanStartedEntry(Struct, frozen=True, kw_only=True):
    """A scan began: of which paths, with which program, tables and settings."""

    at: int
    """Began at, µs UTC."""
    bytes: int
    """Size of all files together."""
    files: int
    """How many files were found."""
    inputs: str
    """SHA-256 over path, size and time of change of every file, in order."""
    kind: Literal["scan_started/1"] = "scan_started/1"
    paths: tuple[str, ...]
    """What was asked for, as given on the command line."""
    settings: str
    """SHA-256 over the settings of the run, as JSON."""
    software: str
    """Program and version."""


class ScanEndedEntry(Struct, frozen=True, kw_only=True):
    """A scan ended: what was read, what was not, and how many people."""

    at: int
    """Ended at, µs UTC."""
    bytes_read: int
    """Bytes that were read and understood."""
    bytes_unread: int
    """Bytes that were not, each with its reason in the report; together with those read, all."""
    hashes: str
    """SHA-256 over the SHA-256 and SM3 of every file, in order; "" when the inputs were not hashed."""
    kind: Literal["scan_ended/1"] = "scan_ended/1"
    outcome: str
    """SHA-256 of the outcome as JSON."""
    persons: int
    """Distinct people, by the rules in force."""
    records: int
    """Records, before people are joined."""


class SamplePlannedEntry(Struct, frozen=True, kw_only=True):
    """A sample was planned; the seed is committed to, so that nobody can choose after seeing the data."""

    at: int
    """Planned at, µs UTC."""
    confidence: str
    """Wanted confidence, as a decimal fraction."""
    failures_allowed: int
    """How many of the sample may turn out false."""
    kind: Literal["sample_planned/1"] = "sample_planned/1"
    population: int
    """How many records are drawn from."""
    seed: str
    """SHA-256 of the seed."""
    share: str
    """The share of genuine records to be shown, as a decimal fraction."""
    size: int
    """How many are drawn."""
    stratum: str
    """Which part of the records; all of them when empty."""


class SampleDrawnEntry(Struct, frozen=True, kw_only=True):
    """The seed was opened and the sample drawn: the hash of the places drawn, and of which plan."""

    at: int
    """Drawn at, µs UTC."""
    kind: Literal["sample_drawn/1"] = "sample_drawn/1"
    places: str
    """SHA-256 of the places, decimal, one a line."""
    plan: int
    """Index of the plan's entry."""
    seed: str
    """The seed itself, in hex: anybody can repeat the draw."""
    size: int
    """How many were drawn."""


class SampleCheckedEntry(Struct, frozen=True, kw_only=True):
    """What checking a sample showed."""

    at: int
    """Checked at, µs UTC."""
    draw: int
    """Index of the draw's entry."""
    genuine: int
    """How many of the sample proved genuine."""
    genuine_least: int
    """At least so many of the population are, at the planned confidence (Clopper-Pearson)."""
    kind: Literal["sample_checked/1"] = "sample_checked/1"
    sample: int
    """How many were checked."""


class TransfersCountedEntry(Struct, frozen=True, kw_only=True):
    """Holdings and sales were counted apart (art. 11 of 法释〔2017〕10号)."""

    at: int
    """Counted at, µs UTC."""
    buyers: str
    """SHA-256 over every buyer and which files it was given, in order."""
    held: int
    """Persons held."""
    held_only: int
    """Persons held and given to nobody."""
    kind: Literal["transfers_counted/1"] = "transfers_counted/1"
    sold: int
    """Persons given, counted for each buyer."""
    total: int
    """What art. 11 counts."""


class AppraisalReportEntry(Struct, frozen=True, kw_only=True):
    """A report was made, in this form, with this hash."""

    at: int
    """Made at, µs UTC."""
    form: str
    """Which form: html, pdf, json, in which language."""
    kind: Literal["appraisal_report/1"] = "appraisal_report/1"
    sha256: str
    """SHA-256 of the file's bytes, hex."""


class UnmaskedEntry(Struct, frozen=True, kw_only=True):
    """Somebody looked at findings without their mask."""

    at: int
    """Looked at, µs UTC."""
    by: str
    """Who looked: the account of the operating system."""
    kind: Literal["unmasked/1"] = "unmasked/1"
    place: str
    """SHA-256 of file and offset."""
    reason: str
    """Why, in their own words."""


declare("scan_started/1", "A scan of files began.", "开始对文件进行检验。")
declare("scan_ended/1", "A scan of files ended, with these totals.", "文件检验结束，合计如下。")
declare(
    "sample_planned/1", "A sample was planned before anything was drawn.", "抽样方案已在抽取之前确定并存证。"
)
declare(
    "sample_drawn/1", "The planned sample was drawn with the committed seed.", "已按存证的随机种子抽取样本。"
)
declare("sample_checked/1", "The drawn sample was checked.", "样本核验完毕。")
declare(
    "transfers_counted/1",
    "Holdings and sales were counted person by person.",
    "已逐人分别统计持有与提供的条数。",
)
declare("appraisal_report/1", "An appraisal report was made.", "已生成鉴定报告。")
declare("unmasked/1", "Masked findings were looked at in clear.", "查看了未脱敏的检出内容。")
