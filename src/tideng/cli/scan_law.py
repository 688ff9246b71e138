"""`tideng scan sample`, `continue`, `checked`, `transfers`: what a court asks of a pile that was scanned."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from rich.markup import escape

from tideng.cli.context import Json
from tideng.cli.show import as_json, out, stop, table

if TYPE_CHECKING:
    from tideng.scan.checking import Drawn


class By(StrEnum):
    """What strata are made by."""

    nothing = ""
    legal_class = "class"
    province = "province"


_BY: Final[dict[By, Literal["", "class", "province"]]] = {
    By.nothing: "",
    By.legal_class: "class",
    By.province: "province",
}
Folder = Annotated[Path, typer.Argument(help="The --out folder of a scan.")]
Stratum = Annotated[str, typer.Option("--stratum", help="Which stratum, if there are several.")]


def _must_hold_scan(folder: Path) -> None:
    if not (folder / "state.sqlite").exists():
        stop(
            f"{escape(str(folder))} holds no scan. Run `tideng scan PATH --out {escape(str(folder))}` first."
        )


def sample(
    folder: Folder,
    share: Annotated[float, typer.Option("--share", help="Share of genuine records to be shown.")] = 0.95,
    confidence: Annotated[float, typer.Option("--confidence", help="With this confidence.")] = 0.95,
    failures: Annotated[int, typer.Option("--failures", min=0, help="Failures the plan allows.")] = 0,
    by: Annotated[
        By, typer.Option("--by", help="Draw each class (of art. 5) or province apart.")
    ] = By.nothing,
    sequential: Annotated[
        bool, typer.Option("--sequential", help="Keep half of the error, so that the draw may be continued.")
    ] = False,
    json: Json = False,
) -> None:
    """Plan a sample, commit plan and seed to the ledger, then draw: which persons' records to verify, by
    whom it may.
    """
    from tideng.scan.checking import draw_sample

    _must_hold_scan(folder)
    try:
        drawn = draw_sample(
            folder,
            share=share,
            confidence=confidence,
            failures=failures,
            by=_BY[by],
            is_sequential=sequential,
        )
    except ValueError as error:
        stop(escape(str(error)))
    _show_draw(drawn, json=json)


def continue_(
    folder: Folder,
    failures: Annotated[int, typer.Option("--failures", min=1, help="How many turned up so far.")],
    stratum: Stratum = "",
    json: Json = False,
) -> None:
    """Draw further in the same order, when more of a sequential sample failed than its plan allowed."""
    from tideng.scan.checking import continue_sample

    _must_hold_scan(folder)
    try:
        drawn = continue_sample(folder, failures=failures, stratum=stratum)
    except (ValueError, OSError) as error:
        stop(escape(str(error)))
    _show_draw(drawn, json=json)


def _show_draw(drawn: "Drawn", *, json: bool) -> None:
    if json:
        as_json(drawn)
        return
    for one in drawn.strata:
        out.print(
            f"{one.plan.stratum}: {one.size} of {one.plan.population:,} drawn, "
            f"at most {one.plan.failures_allowed} may fail; "
            f"plan is entry {one.planned}, draw is entry {one.drawn}"
        )
    out.print(f"list: {escape(drawn.list)}", soft_wrap=True)


def checked(
    folder: Annotated[Path, typer.Argument(help="The --out folder of a scan with a sample.")],
    genuine: Annotated[
        int, typer.Option("--genuine", min=0, help="How many of the sample were found genuine.")
    ],
    stratum: Stratum = "",
    json: Json = False,
) -> None:
    """Record what checking the sample showed, and what that proves about all (Clopper-Pearson,
    hypergeometric).
    """
    from tideng.scan.checking import record_check

    try:
        shown = record_check(folder, genuine, stratum)
    except (ValueError, OSError) as error:
        stop(escape(str(error)))
    if json:
        as_json(shown)
        return
    for name, one in shown.strata.items():
        out.print(
            f"{name}: {one.genuine} of {one.sample} genuine: with {one.confidence:.1%} confidence at least "
            f"{one.low:.2%} of all, {one.genuine_least:,} persons; two-sided {one.low_two_sided:.2%} to "
            f"{one.high_two_sided:.2%}"
        )
    if shown.is_complete:
        out.print(f"all together: at least {shown.genuine_least:,} persons")


def transfers(
    folder: Folder,
    to: Annotated[
        list[str],
        typer.Option(
            "--to", help="BUYER=PATTERN (paths of scanned files) or BUYER=DIR (another scan's --out folder)."
        ),
    ],
    duty: Annotated[
        bool, typer.Option("--duty", help="Got in duty or service: half the thresholds (art. 5(1)(八)).")
    ] = False,
    json: Json = False,
) -> None:
    """Count holdings and sales in two ledgers (art. 11): a person sold to two buyers counts twice, one held
    and sold once.
    """
    from tideng.scan.ledgers import transfers_of

    _must_hold_scan(folder)
    wishes = [wish.partition("=") for wish in to]
    if bad := next((wish for wish in wishes if not wish[0] or not wish[2]), None):
        stop(f"{escape(''.join(bad))} is no BUYER=PATTERN or BUYER=DIR")
    try:
        found = transfers_of(folder, [(buyer, what) for buyer, _, what in wishes], is_duty=duty)
    except ValueError as error:
        stop(escape(str(error)))
    if json:
        as_json(found)
        return
    rows = [(buyer, f"{count:,}") for buyer, count in found.counted.by_buyer.items()]
    table("given", ("buyer", "persons"), rows)
    out.print(
        f"held {found.counted.held:,}, of these given to nobody {found.counted.held_only:,}; given "
        f"{found.counted.sold:,}; art. 11 counts {found.counted.total:,}"
    )
    out.print(f"law ({found.tiers.rules}): from {found.tiers.band_low} to {found.tiers.band_high}")
