"""Vouching for a view or table, and asking people to build on it no more.

A certification is of the SQL, or of a table's columns, that somebody looked at: `review` suspends it when that changes.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.catalog import policies
from warehouse_admin.catalog.models import Trust
from warehouse_admin.catalog.selectors import KINDS
from warehouse_admin.catalog.services import locked, target_of
from warehouse_admin.core.digests import json_digest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.last_days import wrong_last_day
from warehouse_admin.lineage.normal import same_meaning
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion, WarehouseTable
from warehouse_admin.mirror.signals import announce_trust

CERTIFIED, DEPRECATED, TAKEN_BACK = "catalog.certified", "catalog.deprecated", "catalog.trust_taken_back"
LOST = "catalog.certification_suspended"
MOVED_ON = "It has changed since you opened the page. Read what is there now, then decide again."
Subject = SavedQuery | WarehouseTable


def fingerprint(subject: Subject) -> str:
    """What a certification holds for: the hash of the SQL, or of names and types of columns; "" where not known."""
    if isinstance(subject, SavedQuery):
        return subject.query_hash if subject.query is not None else ""
    return _of_columns(subject.columns)


def _of_columns(columns: Any) -> str:
    told = sorted((str(one.get("name")), str(one.get("type"))) for one in columns or [] if isinstance(one, dict))
    return json_digest(told) if told else ""


def certify(
    *, user: User, subject: Subject, note: str = "", until: date | None = None, seen: str | None = None
) -> Trust:
    """Vouch for an object as it is now. `seen` is the fingerprint of what the person looked at."""
    policies.require_certify(user, CERTIFIED, target_of(subject))
    note = _clean("note", note, needed=False)
    now = fingerprint(subject)
    errors = wrong_last_day(until, empty_means="until what it holds changes")
    if subject.deleted_at is not None:
        errors["note"] = [f"{subject.name} is gone from PostHog: there is nothing to certify."]
    elif not now:
        errors["note"] = ["What it holds was not read from PostHog yet: refresh it, read it, then certify."]
    elif seen is not None and seen != now:
        errors["note"] = [MOVED_ON]
    _refuse(errors)
    said = {"word": Trust.Word.CERTIFIED, "note": note, "until": until, "fingerprint": now}
    return _say(user, subject, CERTIFIED, said)


def deprecate(*, user: User, subject: Subject, note: str, instead: str = "") -> Trust:
    """Ask people to build on it no more, with the reason; `instead` names what to read in its place."""
    policies.require_certify(user, DEPRECATED, target_of(subject))
    instead = instead.strip()
    note = _clean("note", note, needed=True)
    errors: dict[str, list[str]] = {}
    if instead == subject.name:
        errors["instead"] = ["Name something else than what is deprecated."]
    elif instead and not _is_there(subject.connection, instead):
        errors["instead"] = ["There is no such view or table in this connection: write its name as PostHog has it."]
    _refuse(errors)
    return _say(user, subject, DEPRECATED, {"word": Trust.Word.DEPRECATED, "note": note, "instead": instead})


def take_back(*, user: User, subject: Subject, reason: str = "") -> None:
    """Say nothing about it any more."""
    policies.require_certify(user, TAKEN_BACK, target_of(subject))
    reason = _clean("note", reason, needed=False)
    with transaction.atomic():
        entry = locked(subject)
        trust = Trust.objects.filter(entry=entry).first()
        if trust is None:
            raise InvalidInput("Nothing is said of it any more.", errors={"note": ["Nothing is said of it any more."]})
        before = told(trust)
        trust.delete()
        _record(user, TAKEN_BACK, subject, reason, before, None)


def told(trust: Trust) -> dict[str, Any]:
    """What the trail keeps."""
    kept = {"trust": trust.state, "note": trust.note}
    if trust.word == Trust.Word.DEPRECATED:
        return kept | {"instead": trust.instead}
    return kept | {"until": trust.until.isoformat() if trust.until else None, "fingerprint": trust.fingerprint}


def _say(user: User, subject: Subject, action: str, said: dict[str, Any]) -> Trust:
    with transaction.atomic():
        entry = locked(subject)
        former = Trust.objects.filter(entry=entry).first()
        trust = Trust(entry=entry, said_by=user, said_at=timezone.now(), **said)
        trust.save(force_insert=former is None, force_update=former is not None)
        _record(user, action, subject, trust.note, told(former) if former else None, told(trust))
    return trust


def _record(user: User | None, action: str, subject: Subject, reason: str, before: Any, after: Any) -> None:
    audit.record(
        actor=user,
        action=action,
        target=target_of(subject),
        reason=reason,
        before=before,
        after=after,
        connection=subject.connection.slug,
    )
    announce_trust(subject.connection)


def _clean(field: str, text: str, *, needed: bool) -> str:
    try:
        return clean_reason(text, needed=needed)
    except InvalidInput as error:
        raise InvalidInput(error.message, errors={field: error.errors["reason"]}) from None


def _refuse(errors: dict[str, list[str]]) -> None:
    if errors:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)


def _is_there(connection: Connection, name: str) -> bool:
    if "\x00" in name:
        return False
    return any(kind.objects.present().filter(connection=connection, name=name).exists() for kind in KINDS.values())


def review(connection: Connection) -> int:
    """Suspend certifications of what is not there or not the same any more; how many. A new layout is no change."""
    standing = Trust.objects.filter(word=Trust.Word.CERTIFIED, lost_at=None, entry__connection=connection)
    lost = 0
    for kind, model in KINDS.items():
        rows = {trust.entry.posthog_id: trust for trust in standing.filter(entry__kind=kind).select_related("entry")}
        if not rows:
            continue
        for subject in _changed(model, connection, rows):
            lost += _suspended(subject, rows[subject.posthog_id])
    return lost


def _changed(model: Any, connection: Connection, rows: dict[Any, Trust]) -> list[Subject]:
    """Those whose fingerprint is another or that are gone; the texts of the others are not read."""
    there = model.objects.filter(connection=connection, posthog_id__in=rows).select_related("connection")
    if model is SavedQuery:
        same = [key for key, now in there.values_list("posthog_id", "query_hash") if rows[key].fingerprint == now]
        there = there.exclude(posthog_id__in=same, deleted_at=None)
    return [one for one in there if one.deleted_at is not None or fingerprint(one) != rows[one.posthog_id].fingerprint]


def _suspended(subject: Subject, seen: Trust) -> bool:
    """Whether it fell: not where a new text only looks different, nor where somebody decided anew meanwhile."""
    why = _why(subject, seen)
    with transaction.atomic():
        locked(subject)
        trust = Trust.objects.filter(
            pk=seen.pk, said_at=seen.said_at, fingerprint=seen.fingerprint, word=Trust.Word.CERTIFIED, lost_at=None
        ).first()
        if trust is None:
            return False
        if not why:
            trust.fingerprint = fingerprint(subject)
            trust.save(update_fields=["fingerprint"])
            return False
        before = told(trust)
        trust.lost_at, trust.lost_why = timezone.now(), why
        trust.save(update_fields=["lost_at", "lost_why"])
        _record(None, LOST, subject, why, before, told(trust))
    return True


def _why(subject: Subject, seen: Trust) -> str:
    """A sentence; empty where what changed is the layout alone."""
    if subject.deleted_at is not None:
        return "It is gone from PostHog."
    if isinstance(subject, WarehouseTable):
        return "Its columns have changed since it was certified."
    versions = SavedQueryVersion.objects.filter(saved_query=subject, query_hash=seen.fingerprint)
    former = versions.values_list("query", flat=True).first()
    if former is not None and subject.query is not None and same_meaning(former, subject.query):
        return ""
    return "Its SQL has changed since it was certified."
