"""Judging texts over HTTP: the same verdict as `tideng text judge`, for whoever may read."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from tideng.gateway.doors.api_operation import Answer, ApiDeps, Call, Operation, as_json

if TYPE_CHECKING:  # numpy comes with them, which a gateway that nobody asks need not hold in memory
    from tideng.text.judging import Judge, Judged

TEXTS_MAX: Final = 200


class TextAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text to judge."""

    text: Annotated[str, Meta(max_length=10_000, description="The whole text, as it was received.")]
    id: Annotated[str, Meta(max_length=64, description="Yours; comes back with the verdict.")] = ""
    channel: Annotated[str, Meta(max_length=32, description="Where it came from: sms, wechat …")] = ""


class TextsAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several texts; each is judged by itself, and none is kept."""

    texts: Annotated[list[TextAsked], Meta(min_length=1, max_length=TEXTS_MAX)]


class TextSeen(Struct, frozen=True, kw_only=True):
    """One finding, and where in the text."""

    code: str
    start: int
    end: int
    seen: str


class TextVerdict(Struct, frozen=True, kw_only=True):
    """What one text was judged to be. There is no “safe”."""

    id: str
    verdict: Literal["danger", "verify", "unknown", "harmless_kind", "needs_person"]
    review: Literal["send", "hold", "refuse"]
    category: list[str]
    findings: Annotated[list[TextSeen], Meta(description="Strongest first.")]
    score: Annotated[
        float, Meta(description="Suspicion, 0 to 1; lifts unknown or harmless_kind to needs_person, no more.")
    ]
    data_for_sale: bool


class TextsJudged(Struct, frozen=True):
    """One verdict per text, in the order asked."""

    results: list[TextVerdict]


class TextsDoor:
    """The operation that judges texts. Nothing of them is kept or logged."""

    def __init__(self, deps: ApiDeps) -> None:
        del deps  # Judging needs nothing of the gateway.
        self._judge: Judge | None = None
        self._making = asyncio.Lock()

    def operations(self) -> tuple[Operation, ...]:
        """Its row of the table."""
        return (
            Operation(
                method="POST",
                path="/v1/texts/judge",
                access="read",
                summary="Judge texts: verdict, review, category, findings with their places. Keeps nothing.",
                act=self.judge,
                takes=(TextsAsked,),
                gives={200: TextsJudged},
            ),
        )

    async def judge(self, call: Call) -> Answer:
        """POST /v1/texts/judge."""
        asked = call.given.texts if isinstance(call.given, TextsAsked) else []
        judge = await self._ready()
        judged = await asyncio.to_thread(judge.judge_many, [one.text for one in asked])
        return as_json(TextsJudged([_told(one.id, each) for one, each in zip(asked, judged, strict=True)]))

    async def _ready(self) -> "Judge":
        """The judge, made at the first request: a gateway that nobody asks pays nothing for it."""
        async with self._making:
            if self._judge is None:
                self._judge = await asyncio.to_thread(_bundled)
            return self._judge


def _bundled() -> "Judge":
    from tideng.text.knowledge import bundled_knowledge
    from tideng.text.policies import bundled_verdict_policy
    from tideng.text.ready import make_judge
    from tideng.text.suspicion import read_scorer
    from tideng.text.tables import bundled_tables
    from tideng.text.tables_read import read_tables
    from tideng.text.weights import bundled_weights

    tables = bundled_tables()
    scorer = read_scorer(bundled_weights(), read_tables(tables))
    return make_judge(tables, bundled_knowledge(), bundled_verdict_policy(), suspicion=scorer)


def _told(name: str, judged: "Judged") -> TextVerdict:
    return TextVerdict(
        id=name,
        verdict=judged.verdict,
        review=judged.review,
        category=list(judged.category),
        findings=[TextSeen(code=f.code, start=f.start, end=f.end, seen=f.seen) for f in judged.findings],
        score=judged.score if judged.score is not None else 0.0,
        data_for_sale=judged.data_for_sale,
    )
