"""The operators that the mirror has by itself, and all that there are."""

from __future__ import annotations

from django.db.models import Q

from warehouse_admin.core.formatting import cadence
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.cadences import CADENCES
from warehouse_admin.mirror.models import BEHIND, BROKEN, SavedQuery, ScheduleState
from warehouse_admin.mirror.search.conditions import within
from warehouse_admin.mirror.search.operators import Asked, Offer, Operator, Unusable, from_list, none_offered

MANAGED = Q(managed_viewset_kind__gt="") | Q(origin="managed_viewset")
OFFERED = 10
IS = {
    "materialized": (Q(is_materialized=True) & ~MANAGED, "has a table, and runs"),
    "view": (~Q(is_materialized=True) & ~MANAGED, "is worked out whenever it is read"),
    "managed": (MANAGED, "PostHog keeps it by itself"),
    "broken": (Q(schedule_state__in=BROKEN), "failing or suspended"),
    "behind": (Q(schedule_state__in=BEHIND), "late or overdue"),
}


def operators() -> dict[str, Operator]:
    """Every operator by its name, in the order in which they are offered."""
    return {operator.name: operator for operator in (*_OWN, *hooks.search_operators)}


def one_of(values: dict[str, Q], value: str) -> Q:
    """What a word of a short list means; Unusable tells the list."""
    found = values.get(value.lower())
    if found is None:
        raise Unusable(f"Choose one of {', '.join(values)}.")
    return found


def names(typed: str, asked: Asked) -> list[Offer]:
    """Views whose name begins with, or else holds, what was typed."""
    views = SavedQuery.objects.present().of(asked.connection).order_by("name")
    first = list(views.filter(name__istartswith=typed).values_list("name", flat=True)[:OFFERED])
    if typed and len(first) < OFFERED:
        first += [
            name
            for name in views.filter(name__icontains=typed).values_list("name", flat=True)[: 2 * OFFERED]
            if name not in first
        ]
    return [Offer(name, "view") for name in dict.fromkeys(first)][:OFFERED]


def _state(value: str, asked: Asked) -> Q:
    return one_of({state: Q(schedule_state=state) for state in ScheduleState.values}, value)


def _cadence(value: str, asked: Asked) -> Q:
    return one_of({name: Q(sync_frequency=name) for name in CADENCES} | {"none": Q(sync_frequency="")}, value)


def _states(typed: str, asked: Asked) -> list[Offer]:
    return from_list([Offer(value, str(label)) for value, label in ScheduleState.choices], typed)


def _cadences(typed: str, asked: Asked) -> list[Offer]:
    return from_list([*(Offer(name, cadence(name)) for name in CADENCES), Offer("none", "no cadence")], typed)


def _kinds(typed: str, asked: Asked) -> list[Offer]:
    return from_list([Offer(name, hint) for name, (_, hint) in IS.items()], typed)


def _is(value: str, asked: Asked) -> Q:
    return one_of({name: condition for name, (condition, _) in IS.items()}, value)


def _copied(value: str, asked: Asked) -> Q:
    raise Unusable("This is looked for in the copies of the texts.")  # `conditions` never asks


_OWN = (
    Operator("name", "The name holds it", "name:orders", within("name"), names),
    Operator("sql", "The SQL holds it", 'sql:"left join"', _copied, none_offered),
    Operator("column", "A column's name holds it", "column:user_id", _copied, none_offered),
    Operator("description", "The description holds it", "description:weekly", within("description"), none_offered),
    Operator("state", "The state of the schedule", "state:failing", _state, _states, one_of=True),
    Operator("is", "What kind of view, or how it does", "is:materialized", _is, _kinds),
    Operator("cadence", "How often it runs", "cadence:24hour", _cadence, _cadences, one_of=True),
)
