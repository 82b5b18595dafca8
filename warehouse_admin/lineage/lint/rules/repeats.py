"""Values that are others each time."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject
from warehouse_admin.lineage.lint.functions import CLOCK, RANDOM
from warehouse_admin.lineage.lint.walk import at, nodes, outside_subqueries, selects


class RandomValue(Rule):
    id = "random-value"
    title = "A value that is another one each time"
    why = (
        "A view that is read twice gives two results, and a materialized one changes with each run though nothing "
        "happened. What depends on it can be neither compared nor repeated."
    )
    bad = "SELECT id, rand() AS bucket\nFROM users"
    good = "SELECT id, cityHash64(id) % 100 AS bucket\nFROM users"

    def look(self, subject: Subject) -> Iterable[Found]:
        for call in nodes(subject.tree, "Call"):
            if call.get("name") in RANDOM:
                told = f"{call['name']}() gives something else each time. Compute it from a column, by a hash of an id."
                yield Found(at(call), told)


class ClockInTable(Rule):
    id = "clock-in-materialized-view"
    title = "The time of day in a column of a materialized view"
    level = Level.NOTE
    why = (
        "The column holds what the clock said when the view last ran. Read an hour or, should it fail, a week later it "
        "still says so."
    )
    bad = "SELECT id, dateDiff('day', opened_at, now()) AS age_days\nFROM tickets"
    good = "SELECT id, opened_at\nFROM tickets"
    limits = "Only of views that are materialized, and only in columns. A condition such as “the last 30 days” is fine."

    def look(self, subject: Subject) -> Iterable[Found]:
        if not subject.is_materialized:
            return
        for select in selects(subject.tree):
            for call in outside_subqueries(select.node.get("select"), "Call"):
                if call.get("name") in CLOCK:
                    yield Found(
                        at(call), f"{call['name']}() is the time of the last run here, not of whoever reads it."
                    )
