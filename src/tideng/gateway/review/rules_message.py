"""Context rules: this text, to this recipient, now."""

from collections.abc import Iterator

from tideng.gateway.review.judged import ABOUT_LINKS
from tideng.gateway.review.policy import SECOND
from tideng.gateway.review.situation import Situation, consent_read, counters
from tideng.gateway.review.template_match import has_link_or_number, match_template, slot_type_problem
from tideng.gateway.review.values import Finding
from tideng.text.entities import host_allowed

Found = Iterator[Finding]


def incomplete(at: Situation) -> Found:
    """TEXT_INCOMPLETE: some text came, but the door says that it is not whole."""
    if at.submission.text is not None and at.submission.fault:
        yield Finding("TEXT_INCOMPLETE", at.submission.fault)


def too_long(at: Situation) -> Found:
    """TEXT_TOO_LONG: more segments than the policy allows."""
    limit = at.policy.parameters.segments_max
    if at.reading.segments > limit:
        yield Finding("TEXT_TOO_LONG", f"{at.reading.segments} segments; limit is {limit}")


def category_disagrees(at: Situation) -> Found:
    """CATEGORY_DISAGREES: declared as something milder than it reads; it is judged as what it reads."""
    declared = at.submission.category
    if declared and declared != at.category:
        yield Finding("CATEGORY_DISAGREES", f"declared {declared}, reads {at.category}")


def template_family(at: Situation) -> Found:
    """TEMPLATE_MISSING, TEMPLATE_UNMATCHED, SLOT_TYPE, SLOT_LINK_OR_NUMBER: not the approved wording."""
    customer = at.standing.customer
    named = at.submission.template
    if not named and (customer is None or not customer.templates_required):
        return
    candidates = [template for template in at.templates if not named or template.id == named]
    if not candidates:
        yield Finding("TEMPLATE_MISSING", named)
        return
    for template in candidates:
        values = match_template(template, at.reading.body)
        if values is not None and template.signature in ("", at.reading.signature):
            break
    else:
        yield Finding("TEMPLATE_UNMATCHED", named or f"none of {len(candidates)}")
        return
    for slot in template.slots:
        problem = slot_type_problem(slot, values.get(slot.name, ""))
        if problem:
            yield Finding("SLOT_TYPE", problem)
            break
    for name, value in values.items():
        if has_link_or_number(value):
            yield Finding("SLOT_LINK_OR_NUMBER", name)
            break


def link_not_listed(at: Situation) -> Found:
    """LINK_NOT_LISTED: a link to a host that the customer has not registered."""
    if at.reading.links:
        allowed = at.standing.customer.links if at.standing.customer else ()
        for link in at.reading.links:
            if not host_allowed(link.host, allowed):
                yield Finding("LINK_NOT_LISTED", f"{link.host} (shortener)" if link.is_short else link.host)
                return


def unknown_callback(at: Situation) -> Found:
    """UNKNOWN_CALLBACK: a number to call that the customer has not registered."""
    if at.reading.numbers:
        allowed = at.standing.customer.callbacks if at.standing.customer else ()
        known = {"".join(filter(str.isdigit, number)) for number in allowed}
        for number in at.reading.numbers:
            if number not in known and number not in at.policy.parameters.public_numbers:
                yield Finding("UNKNOWN_CALLBACK", number)
                return


def judged(at: Situation) -> Found:
    """What the judge of texts sees (danger and verify). A registered link answers what is about links."""
    known = at.standing.customer.links if at.standing.customer else ()
    links = at.reading.links
    are_known = bool(links) and all(host_allowed(link.host, known) for link in links)
    for finding in at.judged:
        if not (are_known and finding.code in ABOUT_LINKS):
            yield finding


def opt_out_wording_missing(at: Situation) -> Found:
    """OPT_OUT_WORDING_MISSING: a commercial text that does not say how to stop it."""
    if at.category in at.policy.parameters.opt_out_wording_categories and not at.reading.has_opt_out_wording:
        yield Finding("OPT_OUT_WORDING_MISSING")


def recipient_family(at: Situation) -> Found:
    """RECIPIENT_NOT_A_NUMBER or RECIPIENT_NOT_SMS: nobody there can read it."""
    if at.number is None:
        yield Finding("RECIPIENT_NOT_A_NUMBER", at.number_problem)
    elif not at.number.can_receive_sms:
        yield Finding("RECIPIENT_NOT_SMS", at.number.kind)


def opted_out(at: Situation) -> Found:
    """OPTED_OUT: this recipient said stop, to this principal or to everyone."""
    for principal in at.facts.opted_out:
        if principal == "*" or principal == at.standing.principal_id:
            yield Finding("OPTED_OUT", principal)
            return


def consent_family(at: Situation) -> Found:
    """CONSENT_MISSING or CONSENT_EXPIRED: no proof that the recipient agreed to this (Order 74 art. 21)."""
    if at.category not in at.policy.parameters.consent_categories:
        return
    found = consent_read(at)
    if found is None:
        yield Finding("CONSENT_MISSING", at.category)
        return
    _, _, expires_at, wording, _ = found
    if expires_at and expires_at <= at.sends_at:
        yield Finding("CONSENT_EXPIRED", wording or "unnamed wording")


def duplicate(at: Situation) -> Found:
    """DUPLICATE: the same text to the same recipient a moment ago."""
    if at.recent and at.facts.text_key:
        since = at.now - at.policy.parameters.duplicate_window_s * SECOND
        if any(one.text_key == at.facts.text_key and one.at > since for one in at.recent):
            yield Finding("DUPLICATE", f"within {at.policy.parameters.duplicate_window_s} s")


def frequency_cap(at: Situation) -> Found:
    """FREQUENCY_CAP: this principal has written to this recipient too often lately."""
    for window_s, earlier, most in counters(at):
        if earlier >= most:
            yield Finding("FREQUENCY_CAP", f"{earlier} in {window_s} s; limit is {most}")
            return


def quiet_hours(at: Situation) -> Found:
    """QUIET_HOURS: it would ring while the recipient may not be disturbed."""
    if at.sends_at != at.starts_at:
        yield Finding("QUIET_HOURS", at.category)


def validity_past(at: Situation) -> Found:
    """VALIDITY_PAST: it could only be sent when it is no longer valid."""
    until = at.submission.valid_until
    if until and until <= at.sends_at:
        yield Finding("VALIDITY_PAST")


RULES = (
    incomplete,
    too_long,
    category_disagrees,
    template_family,
    link_not_listed,
    unknown_callback,
    judged,
    opt_out_wording_missing,
    recipient_family,
    opted_out,
    consent_family,
    duplicate,
    frequency_cap,
    quiet_hours,
    validity_past,
)
