"""Filters, search and ordering of lists: declared by the endpoint, refused with a sentence when they do not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from warehouse_admin.core.errors import InvalidInput

LONGEST_VALUE = 300
ALWAYS_ALLOWED = frozenset({"limit", "offset", "ordering", "search", "format"})


class Unusable(ValueError):
    """The value of a filter does not fit; the message says what does."""


@dataclass(frozen=True)
class Filter:
    """One query parameter: `read` turns its text into a value or raises Unusable, `condition` into a Q."""

    read: Callable[[str], Any]
    condition: Callable[[Any], Q]
    description: str = ""
    schema: dict[str, Any] | None = None
    absent: Q | None = None  # what holds when the parameter is not given
    several: bool = False  # may be repeated: any of the values


def text(field: str, description: str = "") -> Filter:
    """Equal to the value."""
    return Filter(lambda value: value, lambda value: Q(**{field: value}), description)


def choice(field: str, values: Sequence[str], description: str = "") -> Filter:
    """One of `values`; may be repeated."""
    return Filter(
        _one_of(values),
        lambda value: Q(**{field: value}),
        description,
        {"type": "string", "enum": list(values)},
        several=True,
    )


def conditions(meanings: dict[str, Q], description: str = "", absent: Q | None = None) -> Filter:
    """Named conditions."""
    schema = {"type": "string", "enum": list(meanings)}
    return Filter(_one_of(list(meanings)), lambda value: meanings[value], description, schema, absent)


def flag(field: str, description: str = "") -> Filter:
    """`true` or `false`."""
    words = {"true": True, "1": True, "false": False, "0": False}

    def read(value: str) -> bool:
        if value.lower() not in words:
            raise Unusable("Use true or false.")
        return words[value.lower()]

    return Filter(read, lambda value: Q(**{field: value}), description, {"type": "boolean"})


def identifier(field: str, description: str = "") -> Filter:
    """A UUID."""

    def read(value: str) -> UUID:
        try:
            return UUID(value)
        except ValueError:
            raise Unusable("Use an id like 0190a1b2-0000-7000-8000-000000000000.") from None

    return Filter(
        read, lambda value: Q(**{field: value}), description, {"type": "string", "format": "uuid"}, several=True
    )


def moment(lookup: str, description: str = "") -> Filter:
    """An ISO date or date and time, UTC where it names no zone."""
    return Filter(
        read_moment, lambda value: Q(**{lookup: value}), description, {"type": "string", "format": "date-time"}
    )


def read_moment(value: str) -> datetime:
    """In UTC. Unusable for what is none, and in the first and the last year there is: other zones have no such time."""
    try:
        found = _moment(value)
    except (ValueError, OverflowError):  # well formed, but no such day, or none in UTC
        found = None
    if found is not None and MINYEAR < found.year < MAXYEAR:
        return found
    raise Unusable("Write it like 2026-01-31 or 2026-01-31T09:00:00Z.")


def _moment(value: str) -> datetime | None:
    if day := parse_date(value):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = parse_datetime(value)
    if found is None:
        return None
    return found.astimezone(UTC) if timezone.is_aware(found) else found.replace(tzinfo=UTC)


def _one_of(values: Sequence[str]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in values:
            raise Unusable(f"Choose one of {', '.join(values)}.")
        return value

    return read


class Lookup(BaseFilterBackend):
    """Applies what a ListEndpoint declares: `filters`, `searched`, `orderings`, `default_ordering`."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        refuse_unknown(request, view.filters)
        problems: dict[str, list[str]] = {}
        for name, rule in view.filters.items():
            try:
                if (found := _condition(rule, values_of(request, name))) is not None:
                    queryset = queryset.filter(found)
            except Unusable as error:
                problems[name] = [str(error)]
        queryset = self._search(request, queryset, view, problems)
        queryset = self._order(request, queryset, view, problems)
        if problems:
            raise InvalidInput(_first(problems), errors=problems)
        return queryset

    def _search(self, request: Request, queryset: QuerySet, view: Any, problems: dict) -> QuerySet:
        wanted = request.query_params.get("search", "")
        if not wanted:
            return queryset
        if not view.searched:
            problems["search"] = ["This list cannot be searched; use its filters."]
        elif len(wanted) > LONGEST_VALUE:
            problems["search"] = [f"At most {LONGEST_VALUE} characters, please."]
        try:
            return view.search(queryset, wanted)
        except Unusable as error:
            problems["search"] = [str(error)]
            return queryset

    def _order(self, request: Request, queryset: QuerySet, view: Any, problems: dict) -> QuerySet:
        given = request.query_params.get("ordering") or view.default_ordering
        names = [name.strip() for name in given.split(",") if name.strip()]
        if [name for name in names if name.removeprefix("-") not in view.orderings]:
            problems["ordering"] = [f"Order by one of {', '.join(view.orderings)}; a leading minus turns it round."]
            return queryset
        model = queryset.model
        terms = [_term(model, view.orderings[name.removeprefix("-")], name.startswith("-")) for name in names]
        return queryset.order_by(*terms, "-pk" if given.startswith("-") else "pk")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = [
            _parameter(name, rule.schema or {"type": "string"}, rule.description, rule.several)
            for name, rule in view.filters.items()
        ]
        orders = [sign + name for name in view.orderings for sign in ("", "-")]
        ordering = {"type": "string", "example": view.default_ordering}
        parameters.append(_parameter("ordering", ordering, f"Comma-separated, of: {', '.join(orders)}."))
        if view.searched:
            text_ = view.search_help or f"Every word somewhere in {', '.join(view.searched)}, whatever the case."
            parameters.append(_parameter("search", {"type": "string", "maxLength": LONGEST_VALUE}, text_))
        return parameters


def values_of(request: Request, name: str) -> list[str]:
    """Every value given for a parameter, without empty ones."""
    return [value for value in request.query_params.getlist(name) if value]


def refuse_unknown(request: Request, allowed: Any) -> None:
    """Raise InvalidInput for a parameter that nobody reads: a mistyped filter must not answer everything."""
    known = {*allowed, *ALWAYS_ALLOWED}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        told = f"There is no such filter here. Use {', '.join(sorted(known - {'format'}))}."
        raise InvalidInput(told, errors={name[:60]: [told] for name in unknown[:10]})


def _condition(rule: Filter, values: list[str]) -> Q | None:
    if not values:
        return rule.absent
    if len(values) > 1 and not rule.several:
        raise Unusable("Give it once.")
    if any(len(value) > LONGEST_VALUE for value in values):
        raise Unusable(f"At most {LONGEST_VALUE} characters, please.")
    found = rule.condition(rule.read(values[0]))
    for value in values[1:]:
        found |= rule.condition(rule.read(value))
    return found


def _term(model: type[Model], field: str, falling: bool) -> Any:
    """Nulls come last where there can be any: said of other fields too, no index would serve a falling order."""
    nulls_last = _may_be_null(model, field) or None  # Django wants None for "not said"
    return F(field).desc(nulls_last=nulls_last) if falling else F(field).asc(nulls_last=nulls_last)


def _may_be_null(model: type[Model], path: str) -> bool:
    """Whether a field, or a link on the way to it, may be empty."""
    for name in path.split("__"):
        field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
        if field.null:
            return True
        model = field.related_model
    return False


def _first(problems: dict[str, list[str]]) -> str:
    name = next(iter(problems))
    return f"{name}: {problems[name][0]}"


def _parameter(name: str, schema: dict[str, Any], description: str = "", several: bool = False) -> dict[str, Any]:
    if several:
        schema = {"type": "array", "items": schema}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
