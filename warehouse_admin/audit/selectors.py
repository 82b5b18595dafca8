"""What is read of the trail: who sees which rows, filters, and pages that never count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from warehouse_admin.audit import checkpoints, signing
from warehouse_admin.audit.models import AuditEntry, ChainHead, Checkpoint, Verification
from warehouse_admin.core.searching import mentioned

PAGE_SIZE = 50
FILTERS = ("object", "actor", "action", "result", "since", "until", "request_id", "q")
# Entries are numbered in the order of their commits, which may differ a little from the order of their times.
_SLACK = 500


def entries_for(user: Any, *, sees_all: bool) -> QuerySet[AuditEntry]:
    """All entries for those who may read the whole trail, a person's own for everybody else; newest first."""
    entries = AuditEntry.objects.order_by("-sequence")
    return entries if sees_all else entries.filter(actor=user.pk)


def hidden_count(user: Any, *, sees_all: bool) -> int:
    """How many entries this person may not read."""
    return 0 if sees_all else max(0, chain_length() - AuditEntry.objects.filter(actor=user.pk).count())


def filtered(entries: QuerySet[AuditEntry], params: Mapping[str, str]) -> tuple[QuerySet[AuditEntry], list[str]]:
    """The entries that match the filters in `params`, and a sentence for each value that cannot be used."""
    problems: list[str] = []
    if value := _value(params, "object"):
        entries = entries.filter(_about(value))
    if value := _value(params, "actor"):
        entries = entries.filter(actor_name=value)
    if value := _value(params, "action"):
        entries = entries.filter(action__startswith=value) if value.endswith(".") else entries.filter(action=value)
    if value := _value(params, "request_id"):
        entries = entries.filter(request_id=value)
    if value := _value(params, "q"):
        entries = entries.filter(mentioned(value, "reason"))
    if value := _value(params, "result"):
        if value in AuditEntry.Result.values:
            entries = entries.filter(result=value)
        else:
            problems.append(f"There is no result “{value[:40]}”: choose {', '.join(AuditEntry.Result.values)}.")
    return _within(entries, params, problems), problems


def _value(params: Mapping[str, str], name: str) -> str:
    return (params.get(name) or "").replace("\x00", "").strip()[:300]


def _about(value: str) -> Q:
    """By id where the text is one, else by name."""
    try:
        return Q(object_id=str(UUID(value)))
    except ValueError:
        pass
    if value.isascii() and value.isdigit():
        return Q(object_id=value)
    return mentioned(value, "object_name")


def _within(entries: QuerySet[AuditEntry], params: Mapping[str, str], problems: list[str]) -> QuerySet[AuditEntry]:
    since = _moment(_value(params, "since"), "since", problems)
    until = _moment(_value(params, "until"), "until", problems, end=True)
    if since:
        entries = entries.filter(at__gte=since)
    if until:
        # The walk goes down by sequence: start it near the moment instead of at the newest entry.
        last = AuditEntry.objects.filter(at__lt=until).order_by("-at").values_list("sequence", flat=True).first()
        entries = entries.filter(at__lt=until, sequence__lte=(last or 0) + _SLACK)
    return entries


def _moment(value: str, name: str, problems: list[str], *, end: bool = False) -> datetime | None:
    """A moment from a date or an ISO date and time; the day named by `until` is included."""
    if not value:
        return None
    try:
        if day := parse_date(value):
            return datetime.combine(day, time.max if end else time.min, UTC)
        if moment := parse_datetime(value):
            return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    except ValueError:  # well formed, but no such day
        pass
    problems.append(f"“{value[:40]}” is no date for {name}: write it like 2026-01-31 or 2026-01-31T09:00.")
    return None


@dataclass(frozen=True)
class Window:
    """One page of entries, newest first. `older` and `newer` are the names of the pages beside it, "" at the ends."""

    entries: list[AuditEntry]
    older: str
    newer: str


def window(entries: QuerySet[AuditEntry], page: str, size: int = PAGE_SIZE) -> Window:
    """The page that `before-12` or `after-12` (a sequence) names, the newest for anything else; counts nothing."""
    rows = entries.defer("before", "after", "remote", "user_agent")
    direction, sequence = _position(page)
    if direction == "after":
        found = list(rows.filter(sequence__gt=sequence).order_by("sequence")[: size + 1])
        more, found = len(found) > size, found[:size][::-1]
        return _window(found, older=bool(found), newer=more)
    if direction == "before":
        rows = rows.filter(sequence__lt=sequence)
    found = list(rows[: size + 1])
    more, found = len(found) > size, found[:size]
    return _window(found, older=more, newer=direction == "before" and bool(found))


def _window(found: list[AuditEntry], *, older: bool, newer: bool) -> Window:
    return Window(
        found,
        older=f"before-{found[-1].sequence}" if older else "",
        newer=f"after-{found[0].sequence}" if newer else "",
    )


def _position(page: str) -> tuple[str, int]:
    direction, _, sequence = page.partition("-")
    usable = direction in ("before", "after") and sequence.isascii() and sequence.isdigit() and len(sequence) < 19
    return (direction, int(sequence)) if usable else ("", 0)


def neighbours(entries: QuerySet[AuditEntry], sequence: int) -> tuple[int | None, int | None]:
    """The sequences before and after one entry, among those the person sees."""
    earlier = entries.filter(sequence__lt=sequence).order_by("-sequence")
    later = entries.filter(sequence__gt=sequence).order_by("sequence")
    first = earlier.values_list("sequence", flat=True).first()
    return first, later.values_list("sequence", flat=True).first()


def latest_verification() -> Verification | None:
    """The last check that came to an end."""
    return Verification.objects.filter(is_finished=True).order_by("-at", "-pk").first()


def latest_whole() -> Verification | None:
    """The last check that walked the chain from its first entry and found it whole."""
    whole = Verification.objects.filter(kind=Verification.Kind.WHOLE, is_finished=True, bad_sequence=None)
    return whole.order_by("-at", "-pk").first()


def chain_state() -> dict[str, Any]:
    """What the header of the log tells: how long the chain is, how far it was checked and signed, and when."""
    return {
        "length": chain_length(),
        "verification": latest_verification(),
        "whole": latest_whole(),
        "checkpoint": latest_checkpoint(),
    }


def latest_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-number").first()


def kept_apart() -> dict[str, Any]:
    """The newest checkpoint and the public keys: what to copy out of reach of whoever runs the portal."""
    newest = latest_checkpoint()
    return {"checkpoint": checkpoints.as_dict(newest) if newest else None, "public_keys": signing.public_keys()}


def all_checkpoints() -> dict[str, Any]:
    """Every checkpoint and every public key, for auditors to keep; `verify_audit --against` reads it."""
    kept = Checkpoint.objects.order_by("number")
    return {"checkpoints": [checkpoints.as_dict(one) for one in kept], "public_keys": signing.public_keys()}


def chain_length() -> int:
    """How many entries there are: sequences have no gap."""
    return ChainHead.objects.filter(pk=1).values_list("sequence", flat=True).first() or 0
