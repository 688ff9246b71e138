"""Review: cases in, verdicts out. Pure: the same arguments give the same bytes, forever."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from tideng.gateway.messages import Micros, Submission
from tideng.gateway.registry.values import CATEGORIES, Template
from tideng.gateway.review.judged import ReadsTexts, judged_texts
from tideng.gateway.review.policy import MINUTE, SEVERITY, UNLISTED, Policy
from tideng.gateway.review.reading import READ_CHARACTERS_MAX, Reading, read
from tideng.gateway.review.registry_view import RegistryView
from tideng.gateway.review.rules_message import RULES
from tideng.gateway.review.rules_standing import standing_of
from tideng.gateway.review.rules_text import content_findings
from tideng.gateway.review.situation import Situation, consent_read, counters
from tideng.gateway.review.standing import Asked, Standing
from tideng.gateway.review.values import Action, Case, Finding, RecentMessage, Verdict
from tideng.identifiers.phone import NotANumber, Number, parse
from tideng.text.signature import read_signature

TEXTS_KEPT: Final = 512
"""Readings kept between reviews; identical texts are common. About 3 MB at most."""
KEPT_CHARACTERS_MAX: Final = 700
DAY_MINUTES: Final = 1440
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

ReadText = tuple[Reading, tuple[Finding, ...], tuple[Finding, ...]]
"""A text read: by the review, by the judge, and what the content rules see in it."""
# Readings by (policy hash, judge's hash, text). A memory, not state: dropping it changes the speed and
# nothing else.
_kept: dict[tuple[str, str, str], ReadText] = {}


def review(
    cases: Sequence[Case],
    registry: RegistryView,
    policy: Policy,
    now: Micros,
    time_zone: tzinfo,
    judge: ReadsTexts | None = None,
) -> list[Verdict]:
    """One verdict per case, in order. `time_zone` is the mainland's: days of validity and quiet hours.

    `judge` reads what the texts say, all of a batch at once; None: only the review's own rules do.

    Messages of one batch see each other: of two equal ones to one recipient the second is a duplicate.
    The most severe decision of the policy wins. Never raises for anything a customer can submit.
    """
    batch = _Batch(registry, policy, now, time_zone, judge)
    readings = batch.read([case.submission for case in cases])
    return [batch.verdict(case, reading) for case, reading in zip(cases, readings, strict=True)]


class _Batch:
    """What the messages of one batch share: the day, the registry's answers, and each other."""

    def __init__(
        self,
        registry: RegistryView,
        policy: Policy,
        now: Micros,
        time_zone: tzinfo,
        judge: ReadsTexts | None,
    ) -> None:
        self._registry = registry
        self._policy = policy
        self._judge = judge
        self._reader = judge.hash if judge is not None else ""
        self._now = now
        local = (_EPOCH + timedelta(microseconds=now)).astimezone(time_zone)
        self._day = local.date().isoformat()
        offset = local.utcoffset() or timedelta(0)
        self._offset_minutes = int(offset.total_seconds()) // 60
        self._standings: dict[Asked, Standing] = {}
        self._templates: dict[str, tuple[Template, ...]] = {}
        self._earlier: dict[str, list[RecentMessage]] = {}

    def read(self, submissions: Sequence[Submission]) -> list[ReadText | None]:
        """What each text says; None where there is none. Texts not read lately are judged together."""
        texts = [None if one.text is None else self._signed(one) for one in submissions]
        return readings_of(texts, self._policy, self._judge, self._reader)

    def verdict(self, case: Case, read: ReadText | None) -> Verdict:
        submission, policy = case.submission, self._policy
        if read is None:
            return self._unreadable(submission)
        reading, judged, seen = read
        templates = self._templates_for(submission)
        category, classified_by = _category(submission, reading, templates)
        standing = self._standing(submission, reading, category)
        number, problem = _number(submission.recipient)
        starts_at = max(self._now, submission.not_before)
        recent = case.facts.recent
        if self._earlier and case.facts.subject in self._earlier:
            recent = (*recent, *self._earlier[case.facts.subject])
        situation = Situation(
            submission,
            reading,
            judged,
            standing,
            templates,
            category,
            number,
            problem,
            case.facts,
            recent,
            policy,
            self._now,
            starts_at,
            self._after_quiet_hours(category, number, starts_at),
        )
        findings = [*standing.findings, *seen]
        for rule in RULES:
            findings.extend(rule(situation))
        action, moved, findings = _decide(findings, policy, category)
        self._remember(case, situation, action)
        sends_at = situation.sends_at if moved else starts_at
        return Verdict(
            message=submission.id,
            action=action,
            findings=tuple(findings),
            policy=policy.hash,
            not_before=sends_at if sends_at > self._now else 0,
            recipient=number.e164 if number is not None and number.can_receive_sms else "",
            text=reading.text,
            code_number=standing.shown,
            signature=reading.signature,
            principal=standing.principal_id,
            category=category,
            classified_by=classified_by,
            consent=agreed[4] if (agreed := consent_read(situation)) else -1,
            counted=tuple(f"{window_s}:{earlier}:{most}" for window_s, earlier, most in counters(situation)),
            registry=self._versions(standing, templates),
            reader=self._reader,
        )

    def _unreadable(self, submission: Submission) -> Verdict:
        policy = self._policy
        code = "TEXT_INCOMPLETE" if submission.fault.startswith("incomplete") else "TEXT_UNREADABLE"
        findings = [Finding(code, submission.fault)]
        number, problem = _number(submission.recipient)
        if number is None:
            findings.append(Finding("RECIPIENT_NOT_A_NUMBER", problem))
        asked = Asked(submission.customer, submission.code_number, "", submission.principal, "", False)
        standing = self._answer(asked)
        # Without a text there is no category and no signature: only the customer can be judged.
        findings.extend(f for f in standing.findings if f.code.startswith("CUSTOMER_"))
        action, _, findings = _decide(findings, policy, submission.category)
        return Verdict(
            message=submission.id,
            action=action,
            findings=tuple(findings),
            policy=policy.hash,
            recipient=number.e164 if number is not None and number.can_receive_sms else "",
            code_number=standing.shown,
            principal=submission.principal,
            category=submission.category,
            classified_by="customer" if submission.category else "",
            registry=tuple(sorted(standing.versions)),
            reader=self._reader,
        )

    def _signed(self, submission: Submission) -> str:
        """The text as it would be sent, with the customer's own signature where it has none."""
        text = submission.text or ""
        # A glance at both ends, so that a text which gets the customer's own signature is read once.
        if not read_signature(text[:READ_CHARACTERS_MAX])[0]:
            customer = self._registry.customer(submission.customer)
            if customer is not None and customer.default_signature:
                text = f"【{customer.default_signature}】{text}"
        return text

    def _standing(self, submission: Submission, reading: Reading, category: str) -> Standing:
        return self._answer(
            Asked(
                submission.customer,
                submission.code_number,
                reading.signature,
                submission.principal,
                category,
                reading.demands_debt,
            )
        )

    def _answer(self, asked: Asked) -> Standing:
        standing = self._standings.get(asked)
        if standing is None:
            standing = self._standings[asked] = standing_of(
                asked, self._registry, self._day, self._policy.parameters.licence_required
            )
        return standing

    def _templates_for(self, submission: Submission) -> tuple[Template, ...]:
        name = submission.customer
        known = self._templates.get(name)
        if known is None:
            known = tuple(t for t in self._registry.templates(name) if t.status == "active")
            self._templates[name] = known
        if not known:
            return ()
        customer = self._registry.customer(name)
        wanted = submission.template or (customer is not None and customer.templates_required)
        return known if wanted else ()

    def _versions(self, standing: Standing, templates: tuple[Template, ...]) -> tuple[str, ...]:
        version = self._registry.version
        read_too = (f"template:{t.id}@{version('template', t.id)}" for t in templates)
        return tuple(sorted((*standing.versions, *read_too)))

    def _after_quiet_hours(self, category: str, number: Number | None, at: Micros) -> Micros:
        quiet = self._policy.quiet_minutes.get(category)
        if quiet is None:
            return at
        start, end = quiet
        minute = at // MINUTE + self._offset_of(number)
        clock = minute % DAY_MINUTES
        inside = start <= clock < end if start <= end else clock >= start or clock < end
        if not inside:
            return at
        return (at // MINUTE + (end - clock) % DAY_MINUTES) * MINUTE

    def _offset_of(self, number: Number | None) -> int:
        if number is None or number.region == "CN":
            return self._offset_minutes
        offsets = self._policy.parameters.utc_offset_minutes
        for digits in (3, 2, 1):
            if number.e164[:digits] in offsets:
                return offsets[number.e164[:digits]]
        return self._offset_minutes

    def _remember(self, case: Case, at: Situation, action: Action) -> None:
        if action != "refuse" and case.facts.subject:
            self._earlier.setdefault(case.facts.subject, []).append(
                RecentMessage(at.standing.principal_id, at.category, self._now, case.facts.text_key)
            )


def readings_of(
    texts: Sequence[str | None], policy: Policy, judge: ReadsTexts | None, reader: str
) -> list[ReadText | None]:
    """The readings of these texts, remembered for short ones; `reader` is the judge's hash."""
    found = {text: _kept.get((policy.hash, reader, text)) for text in texts if text is not None}
    new = [text for text, known in found.items() if known is None]
    judged: list[tuple[Finding, ...]] = [()] * len(new)
    if judge is not None and new:
        judged = judged_texts([text[:READ_CHARACTERS_MAX] for text in new], judge)
    for text, said in zip(new, judged, strict=True):
        reading = read(text, policy)
        found[text] = reading, said, content_findings(reading)
    fresh = {(policy.hash, reader, text): known for text in new if (known := found[text]) is not None}
    fresh = {key: known for key, known in fresh.items() if len(key[2]) <= KEPT_CHARACTERS_MAX}
    if len(_kept) + len(fresh) > TEXTS_KEPT:
        # All at once: one step that no other thread can see half done.
        _kept.clear()
    _kept.update(fresh)
    return [None if text is None else found[text] for text in texts]


def _category(submission: Submission, reading: Reading, templates: tuple[Template, ...]) -> tuple[str, str]:
    """The category, and who named it: customer, template or text."""
    if reading.demands_debt:
        return "debt", "text"
    declared, by = submission.category, "customer"
    if not declared and submission.template:
        declared, by = next((t.category for t in templates if t.id == submission.template), ""), "template"
    if not declared:
        return reading.category, "text"
    if reading.category == "commercial" and declared in ("notice", "verification"):
        return "commercial", "text"
    return declared, by


def _number(recipient: str) -> tuple[Number | None, str]:
    try:
        return parse(recipient), ""
    except NotANumber as error:
        return None, error.reason


def _decide(findings: list[Finding], policy: Policy, category: str) -> tuple[Action, bool, list[Finding]]:
    """The action, whether quiet hours move it, and the findings, strongest first."""
    if not findings:
        return "send", False, findings
    listed = category if category in CATEGORIES else ""
    graded: list[tuple[int, int, Finding]] = []
    for finding in findings:
        decision = policy.decide(finding.code, listed)
        if decision is None:
            graded.append((-SEVERITY[UNLISTED], len(graded), Finding("UNCLASSIFIED", finding.code)))
            decision = UNLISTED
        graded.append((-SEVERITY[decision], len(graded), finding))
    graded.sort(key=lambda one: one[:2])
    worst = -graded[0][0]
    moved = any(-grade == SEVERITY["reschedule"] for grade, _, _ in graded)
    action: Action = "refuse" if worst == 3 else "hold" if worst == 2 else "send"
    return action, moved, [finding for _, _, finding in graded]
