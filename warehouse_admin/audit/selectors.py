"""What is read of the trail: who sees which rows, filters, and pages that never count."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from warehouse_admin.audit import checkpoints, leaving_out, searching, signing
from warehouse_admin.audit.models import Archive, AuditEntry, ChainHead, Checkpoint, Verification
from warehouse_admin.audit.searching import Way

PAGE_SIZE = 50
CHOICES_KEPT = 300
_CHOICES_KEY = "audit-choices"
COUNTED = 10_000
_EQUAL = {
    "actor": "actor_name",
    "request_id": "request_id",
    "connection": "connection",
    "ip": "ip",
    "token": "token_name",
}
_CHOSEN = {"result": "result", "kind": "actor_kind"}
_CHOICES = {"result": AuditEntry.Result.values, "kind": AuditEntry.ActorKind.values}
_TOGETHER = (*_CHOSEN, "action")
"""The filters that one index has together, in the order kind, result, action."""
LEAVING_OUT = ("object", "action", *_EQUAL, *_CHOSEN)
"""The filters that a minus before the value turns around."""
FILTERS = (*LEAVING_OUT, "since", "until", "q")
# Entries are numbered in the order of their commits, which may differ a little from the order of their times.
_SLACK = 500
_DAYS = re.compile(r"([0-9]{1,4})d")
"""`7d`: the last seven days, in an address that means the same tomorrow."""
_NO_ENTRY = 2**63 - 1


def entries_for(user: Any, *, sees_all: bool) -> QuerySet[AuditEntry]:
    """All entries for those who may read the whole trail, a person's own for everybody else; newest first."""
    entries = AuditEntry.objects.order_by("-sequence")
    return entries if sees_all else entries.filter(actor=user.pk)


def hidden_count(user: Any, length: int, *, sees_all: bool) -> int:
    """How many of the chain's entries this person may not read."""
    if sees_all:
        return 0
    return max(0, length - archived_count() - AuditEntry.objects.filter(actor=user.pk).count())


@dataclass(frozen=True)
class Search:
    """The entries that match, a sentence for each value that cannot be used, and how long the whole chain is.

    Nothing that matches has a sequence above `top` or below `bottom`.
    """

    matching: searching.Matching
    problems: list[str]
    length: int
    top: int
    bottom: int = 0


def filtered(entries: QuerySet[AuditEntry], params: Mapping[str, str]) -> tuple[QuerySet[AuditEntry], list[str]]:
    """The entries that match the filters in `params`, and a sentence for each value that cannot be used."""
    found = search(entries, params)
    return found.matching.looked_up, found.problems


def search(entries: QuerySet[AuditEntry], params: Mapping[str, str]) -> Search:
    """Apply the filters in `params`."""
    problems: list[str] = []
    words = [("q", "reason")]
    entries = _without(entries, params, problems)
    if value := _asked(params, "object"):
        if _is_id(value):
            entries = entries.filter(_about(value))
        elif (names := searching.names_with(value)) is not None:
            entries = entries.filter(object_name__in=names)
        else:
            words.append(("object", "object_name"))
    if value := _asked(params, "action"):
        entries = entries.filter(_acting(value))
    for name, field in _EQUAL.items():
        if value := _asked(params, name):
            entries = entries.filter(**{field: value})
    for name, choices in _CHOICES.items():
        if not (value := _asked(params, name)):
            continue
        if value in choices:
            entries = entries.filter(**{_CHOSEN[name]: value})
        else:
            problems.append(f"There is no {name} “{value[:40]}”: choose {', '.join(choices)}.")
    asked = [(value, field) for name, field in words if (value := _asked(params, name))]
    return _within(entries, params, problems, asked)


def _without(entries: QuerySet[AuditEntry], params: Mapping[str, str], problems: list[str]) -> QuerySet[AuditEntry]:
    """All but what is to be left out."""
    for name, values in left_out(params).items():
        if unknown := [value for value in values if name in _CHOICES and value not in _CHOICES[name]]:
            problems.append(f"There is no {name} “{unknown[0][:40]}”: choose {', '.join(_CHOICES[name])}.")
        entries = entries.exclude(leaving_out.any_of(values, _MATCHING[name]))
    return entries


def left_out(params: Mapping[str, str]) -> dict[str, list[str]]:
    """What each filter leaves out, by its name."""
    found = {name: leaving_out.left_out(_value(params, name)) for name in LEAVING_OUT}
    return {name: values for name, values in found.items() if values}


def way_of(params: Mapping[str, str], *, sees_all: bool) -> Way:
    """How what `params` ask for is found, by the indexes there are."""
    asked = [name for name in FILTERS if _value(params, name)]
    if not asked or not sees_all:
        return Way.OTHER if asked else Way.IN_ORDER
    if set(asked) == set(left_out(params)):
        return Way.IN_ORDER  # no index helps with what most rows have: the walk ends as soon as a page is full
    (first, *others) = asked
    value = _value(params, first)
    exact = first in _EQUAL or first in _CHOSEN or (first == "action" and not value.endswith("."))
    if not others and (exact or (first == "object" and _is_id(value))):
        return Way.IN_ORDER
    return Way.COVERED if _asked(params, "actor") or _asked(params, "ip") else Way.OTHER


def _value(params: Mapping[str, str], name: str) -> str:
    return (params.get(name) or "").replace("\x00", "").strip()[:300]


def _asked(params: Mapping[str, str], name: str) -> str:
    """The value of a filter that asks for something, instead of leaving it out."""
    value = _value(params, name)
    return "" if name in LEAVING_OUT and value.startswith("-") else value


def _is_id(value: str) -> bool:
    try:
        return bool((value.isascii() and value.isdigit()) or UUID(value))
    except ValueError:
        return False


def _acting(value: str) -> Q:
    """One action; with a dot at the end, all of that kind, named one by one since the index has whole names."""
    return Q(action__in=searching.actions_of(value)) if value.endswith(".") else Q(action=value)


def _about(value: str) -> Q:
    """One object by its id, else by its whole name."""
    if not _is_id(value):
        return Q(object_name=value)
    return Q(object_id=value if value.isdigit() else str(UUID(value)))


def _equal(field: str) -> Callable[[str], Q]:
    return lambda value: Q(**{field: value})


_MATCHING = {"object": _about, "action": _acting} | {
    name: _equal(field) for name, field in (*_EQUAL.items(), *_CHOSEN.items())
}


def _within(
    entries: QuerySet[AuditEntry], params: Mapping[str, str], problems: list[str], words: list[tuple[str, str]]
) -> Search:
    """The entries of a time with some words. The walk goes by sequence, so it is told where to begin and end."""
    since = _moment(_value(params, "since"), "since", problems)
    until = _moment(_value(params, "until"), "until", problems, end=True)
    found = _bounds(since, until, _newest_of_each(params))
    length = found.pop("sequence", 0)
    tops, bottom = [length], 0
    if since:
        # Where nothing is that new, the number is one that nothing has.
        start = found.pop("first", None)
        bottom = _NO_ENTRY if start is None else start - _SLACK
        entries = searching.timed(entries).filter(moment__gte=since, sequence__gte=bottom)
    if until:
        tops.append((found.pop("last", None) or 0) + _SLACK)
        entries = searching.timed(entries).filter(moment__lt=until, sequence__lte=tops[-1])
    top = min(tops + [newest or 0 for newest in found.values()])
    matching = searching.containing(entries, words)
    matching = replace(matching, looked_up=_together(matching.looked_up, params))
    return Search(matching, problems, length, top, bottom)


def _together(rows: QuerySet[AuditEntry], params: Mapping[str, str]) -> QuerySet[AuditEntry]:
    """The same rows, asked for so that one index finds them: what all of them have is asked for too.

    Frequent kinds, results and actions may seldom or never meet, which takes long to find out from an index for each.
    """
    asked = [name for name in _TOGETHER if _asked(params, name)]
    if len(asked) < 2:
        return rows
    return rows.filter(**{f"{_CHOSEN[name]}__in": _CHOICES[name] for name in _CHOSEN if name not in asked})


def _bounds(since: datetime | None, until: datetime | None, newest: dict[str, QuerySet[AuditEntry]]) -> dict[str, Any]:
    """The length of the chain, and the sequences where a time and what has some value begin and end."""
    rows = dict(newest)
    if since:
        rows["first"] = AuditEntry.objects.filter(at__gte=since).order_by("at", "sequence")
    if until:
        rows["last"] = AuditEntry.objects.filter(at__lt=until).order_by("-at", "-sequence")
    asked = {name: Subquery(of.values("sequence")[:1]) for name, of in rows.items()}
    found: Any = ChainHead.objects.filter(pk=1).values("sequence", **asked).first()
    return found or {}


def _newest_of_each(params: Mapping[str, str]) -> dict[str, QuerySet[AuditEntry]]:
    """For each value that an index has in order, its entries, newest first: what has them all is not newer.

    Between two equal bounds instead of by equality, or PostgreSQL thinks that it may as well walk the trail.
    """
    found = {}
    for name, field in (*_EQUAL.items(), *_CHOSEN.items(), ("action", "action")):
        value = _asked(params, name)
        is_one = value in _CHOICES[name] if name in _CHOICES else not (name == "action" and value.endswith("."))
        if value and is_one:
            of_value = AuditEntry.objects.filter(**{f"{field}__gte": value, f"{field}__lte": value})
            found[f"newest_{name}"] = of_value.order_by(field, "-sequence")
    return found


def _moment(value: str, name: str, problems: list[str], *, end: bool = False) -> datetime | None:
    """A moment from a date or an ISO date and time; the day named by `until` is included."""
    if not value:
        return None
    if not end and (days := _DAYS.fullmatch(value)):
        return days_ago(int(days[1]))
    try:
        if day := parse_date(value):
            return datetime.combine(day, time.max if end else time.min, UTC)
        if moment := parse_datetime(value):
            return moment.astimezone(UTC) if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # well formed, but no such day, or none in UTC
        pass
    problems.append(f"“{value[:40]}” is no date for {name}: write it like 2026-01-31 or 2026-01-31T09:00.")
    return None


def days_ago(count: int) -> datetime:
    """The beginning of the last `count` days, of which today is one."""
    today = datetime.combine(timezone.now().astimezone(UTC).date(), time.min, UTC)
    return today - timedelta(days=max(count, 1) - 1)


def settled(params: Mapping[str, str]) -> dict[str, str]:
    """The filters that are asked for, as they are applied, with days that are counted back from today as a date."""
    asked = {name: value for name in FILTERS if (value := _value(params, name))}
    if days := _DAYS.fullmatch(asked.get("since", "")):
        asked["since"] = days_ago(int(days[1])).date().isoformat()
    return asked


@dataclass(frozen=True)
class Window:
    """One page of entries, newest first. `older` and `newer` are the names of the pages beside it, "" at the ends."""

    entries: list[AuditEntry]
    older: str
    newer: str


def window(found: Search, page: str, size: int = PAGE_SIZE, *, way: Way = Way.OTHER) -> Window:
    """The page that `before-12` or `after-12` (a sequence) names, the newest for anything else; counts nothing."""
    # Of what PostHog was sent and said, as much as a row shows: the whole may be long.
    told = {"sent": "method", "answered": "status", "took": "duration_ms"}
    shown = {name: KeyTextTransform(key, "remote") for name, key in told.items()}
    if found.bottom > found.top:
        return Window([], "", "")  # what is asked for begins after it ended
    rows = found.matching.each(lambda of: of.defer("before", "after", "remote", "user_agent").annotate(**shown))
    direction, sequence = _position(page)
    if direction == "after":
        kept = searching.oldest(rows, sequence, size + 1, way)
        more, kept = len(kept) > size, kept[:size][::-1]
        return _window(kept, older=bool(kept), newer=more)
    below = min(sequence, found.top + 1) if direction == "before" else found.top + 1
    kept = searching.newest(rows, below, size + 1, way)
    more, kept = len(kept) > size, kept[:size]
    return _window(kept, older=more, newer=direction == "before" and bool(kept))


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


def change_of(entries: QuerySet[AuditEntry], entry: AuditEntry) -> str:
    """The number of the change request that an entry is about, or that its request was about; empty for none."""
    if entry.object_type == "change" or not entry.request_id:
        return entry.object_id if entry.object_type == "change" else ""
    of_request = entries.filter(request_id=entry.request_id, object_type="change").order_by()
    found = list(of_request.values_list("object_id", flat=True).distinct()[:2])
    return found[0] if len(found) == 1 else ""  # of several, nobody can tell which


def latest_verification() -> Verification | None:
    """The last check that came to an end, with `whole_at`, when one last walked the whole chain and found it good, and
    `signed_to`, the last entry of the newest checkpoint."""
    whole = Verification.objects.filter(kind=Verification.Kind.WHOLE, is_finished=True, bad_sequence=None)
    told = {
        "whole_at": Subquery(whole.order_by("-at").values("at")[:1]),
        "signed_to": Subquery(Checkpoint.objects.order_by("-number").values("sequence")[:1]),
    }
    return Verification.objects.filter(is_finished=True).annotate(**told).order_by("-at", "-pk").first()


def capped_count(entries: QuerySet[AuditEntry]) -> int:
    """How many entries there are; COUNTED + 1 for all that is more."""
    return entries.order_by().values("pk")[: COUNTED + 1].count()


def choices() -> dict[str, list[str]]:
    """What there is to choose from, as it was some minutes ago at most; any other value can be asked for too."""
    found: dict[str, list[str]] | None = cache.get(_CHOICES_KEY)
    if found is None:
        fields = {"actors": "actor_name", "actions": "action", "connections": "connection"}
        values = searching.choices_of(list(fields.values()))
        found = {name: values[field] for name, field in fields.items()}
        cache.set(_CHOICES_KEY, found, CHOICES_KEPT)
    return found


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


def archived_count() -> int:
    """How many of the chain's entries are no longer here but in archives."""
    return Archive.objects.order_by("-number").values_list("to_sequence", flat=True).first() or 0


def chain_length() -> int:
    """How many entries the chain has, those in archives too: sequences have no gap."""
    return ChainHead.objects.filter(pk=1).values_list("sequence", flat=True).first() or 0
