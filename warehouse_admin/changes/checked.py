"""What was checked of a revision, kept with it: what reviewers could rely on, and what nobody had looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import User
from warehouse_admin.audit.redaction import clean_json, clean_text
from warehouse_admin.changes.actions import Action, Facts, Subject
from warehouse_admin.changes.actions.base import count
from warehouse_admin.changes.remote_check import Answer
from warehouse_admin.lineage.checks import check_view_sql
from warehouse_admin.lineage.grading import ORDER, Grade

VERSION = 1
LONGEST, MOST = 500, 50
"""Characters of a sentence, and sentences beside it."""
JUST_NOW = 60
"""Seconds for which what was read from PostHog counts as read for this revision."""
NOTHING_KEPT = "Nothing was kept of what was checked: this revision is from before checks were kept."


class Result(StrEnum):
    FAIL = "fail"
    WARN = "warn"
    NOT_LOOKED = "not_looked"
    PASS = "pass"  # noqa: S105


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `details` are single findings; `answer` is what the server itself said."""

    name: str
    title: str
    result: Result
    text: str
    details: list[str] = field(default_factory=list)
    took_ms: int | None = None
    answer: list[dict[str, Any]] | None = None

    def as_dict(self) -> dict[str, Any]:
        kept: dict[str, Any] = clean_json(asdict(self))
        kept["text"] = kept["text"][:LONGEST]
        left = len(kept["details"]) - MOST
        kept["details"] = [clean_text(one, LONGEST) for one in kept["details"][:MOST]]
        if left > 0:
            kept["details"].append(f"and {left} more")
        if kept["answer"]:
            kept["answer"] = kept["answer"][:MOST]
        return kept


@dataclass(frozen=True)
class Proposed:
    """What is looked at: an action on an object, by somebody, in a revision of a number, and what else is known."""

    action: Action
    subject: Subject
    proposal: Facts
    author: User
    number: int
    impact: dict[str, Any] | None
    impact_ms: int | None = None


def look(proposed: Proposed, asked: Answer | None) -> dict[str, Any]:
    """Everything that is checked of a proposal, as it is kept. `asked` None: PostHog was not asked about its text."""
    began = time.perf_counter()
    found = [_offered(proposed), _key(proposed), _base(proposed)]
    if proposed.action.has_sql:
        found += [_timed(_syntax, proposed), _posthog(asked)]
    found += [_timed(_cautions, proposed), _consequences(proposed), _impact(proposed)]
    taken = _ms(began) + (proposed.impact_ms or 0) + (asked.took_ms if asked else 0)
    checks = [one.as_dict() for one in found]
    return {"version": VERSION, "at": timezone.now().isoformat(), "took_ms": taken, "checks": checks}


def grouped(kept: dict[str, Any] | None) -> dict[str, Any] | None:
    """What was kept, worst first, in groups that a page shows one below the other; None where nothing was."""
    if not kept:
        return None
    groups = []
    for result, (title, icon, tone) in _GROUPS.items():
        checks = [one for one in kept["checks"] if one["result"] == result]
        if checks:
            groups.append({"result": str(result), "title": title, "icon": icon, "tone": tone, "checks": checks})
    return {"at": parse_datetime(kept["at"]), "took_ms": kept["took_ms"], "groups": groups}


_GROUPS = {
    Result.FAIL: ("Failed", "x-circle", "bad"),
    Result.WARN: ("To look at", "alert", "warn"),
    Result.NOT_LOOKED: ("Not looked at", "help", "muted"),
    Result.PASS: ("Passed", "check-circle", "ok"),
}


def _timed(check: Callable[[Proposed], Check], proposed: Proposed) -> Check:
    began = time.perf_counter()
    found = check(proposed)
    return Check(**{**vars(found), "took_ms": _ms(began)})


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)


def _offered(proposed: Proposed) -> Check:
    known = accounts.capability(proposed.subject.connection, proposed.action.capability)
    result = {"yes": Result.PASS, "no": Result.FAIL}.get(known.state, Result.NOT_LOOKED)
    text = known.reason or "This server takes such a change from an API key."
    return Check("offered", "The server takes such a change", result, text)


def _key(proposed: Proposed) -> Check:
    why = accounts.why_no_writes(proposed.subject.connection, author=proposed.author)
    text = why or "There is a key to write with, and PostHog has not refused it."
    return Check("key", "A key to write with", Result.FAIL if why else Result.PASS, text)


def _base(proposed: Proposed) -> Check:
    title = "What PostHog holds"
    if not proposed.subject.base:
        if proposed.number == 1:
            return Check("base", title, Result.PASS, "PostHog was asked, and nothing there has this name.")
        text = "Its name was not looked up again for this revision; it is, right before it is made."
        return Check("base", title, Result.NOT_LOOKED, text)
    read = parse_datetime(str(proposed.subject.base.get("fetched_at") or ""))
    if read and (timezone.now() - read).total_seconds() <= JUST_NOW:
        return Check(
            "base", title, Result.PASS, "It was read from PostHog for this, and is what this is written against."
        )
    since = f"since {read:%Y-%m-%d %H:%M} UTC" if read else "for this revision"
    text = f"PostHog was not read again {since}; it is, right before this is applied."
    return Check("base", title, Result.NOT_LOOKED, text)


def _syntax(proposed: Proposed) -> Check:
    problems = check_view_sql(proposed.proposal.get("query") or "")
    details = [f"Line {one.line}, column {one.column}: {one.message}" for one in problems]
    if any(one.level == "error" for one in problems):
        return Check("syntax", "Syntax", Result.FAIL, "HogQL cannot read this.", details)
    if problems:
        return Check("syntax", "Syntax", Result.NOT_LOOKED, problems[0].message)
    return Check("syntax", "Syntax", Result.PASS, "HogQL can read it.")


def _posthog(asked: Answer | None) -> Check:
    title = "What PostHog says to the text"
    if asked is None:
        return Check("posthog", title, Result.NOT_LOOKED, "PostHog was not asked about the text of this revision.")
    if asked.why_not:
        return Check("posthog", title, Result.NOT_LOOKED, asked.why_not, took_ms=asked.took_ms or None)
    details = [f"Line {one.line}: {one.message}" for one in asked.problems]
    answer = [{"level": one.level, "message": one.message, "line": one.line} for one in asked.problems]
    told: dict[str, Any] = {"details": details, "took_ms": asked.took_ms, "answer": answer}
    if any(one.level == "error" for one in asked.problems):
        return Check("posthog", title, Result.FAIL, "PostHog finds this wrong.", **told)
    if asked.problems:
        return Check("posthog", title, Result.WARN, "PostHog takes it, with remarks.", **told)
    return Check("posthog", title, Result.PASS, "PostHog was asked, and finds nothing wrong.", **told)


def _cautions(proposed: Proposed) -> Check:
    found = proposed.action.cautions(proposed.subject, proposed.proposal)
    text = "Legal, but it deserves a second look." if found else "Nothing about it is easily misread."
    return Check("cautions", "What to look at twice", Result.WARN if found else Result.PASS, text, found)


def _consequences(proposed: Proposed) -> Check:
    title, told = "What follows from it", proposed.action.consequences(proposed.subject, proposed.proposal)
    if told.refusal:
        return Check("consequences", title, Result.FAIL, told.refusal)
    details = [*told.breaks, *told.lost]
    if details:
        return Check("consequences", title, Result.WARN, "Something breaks, or no rollback brings it back.", details)
    return Check(
        "consequences", title, Result.PASS, "Nothing is lost that a rollback would not bring back.", told.effects
    )


def _impact(proposed: Proposed) -> Check:
    title, told = "Views downstream", proposed.impact
    if told is None:
        return Check("impact", title, Result.PASS, "It is new: nothing can select from it yet.")
    dependents = told["dependents"]
    if not dependents:
        text = "No view in the mirror selects from it."
        return Check("impact", title, Result.PASS, text, took_ms=proposed.impact_ms)
    grades = [(grade, [one for one in dependents if one["grade"] == grade]) for grade in reversed(ORDER)]
    worst = next((grade for grade, of_it in grades if of_it), Grade.CANNOT_TELL)
    result = {Grade.BREAKING: Result.FAIL, Grade.SAFE: Result.PASS}.get(worst, Result.WARN)
    said = "; ".join(f"{_GRADED[grade]}: {count(len(of_it), 'view')}" for grade, of_it in grades if of_it)
    bad = (one for grade, of_it in grades if grade != Grade.SAFE for one in of_it)
    details = [f"{one['name']}: {' '.join(one['why'])}".strip(" :") for one in bad]
    return Check("impact", title, result, f"{said[:1].upper()}{said[1:]}.", details, took_ms=proposed.impact_ms)


_GRADED = {
    Grade.BREAKING: "would break",
    Grade.CANNOT_TELL: "cannot be told",
    Grade.RISKY: "at risk",
    Grade.SAFE: "safe",
}
