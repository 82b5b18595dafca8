"""What the reading pane says about fields that changed."""

from __future__ import annotations

from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.presenters import field_changes


def test_a_nested_value_is_said_in_words_and_not_as_a_program_prints_it():
    suspended = {"clickhouse": {"at": "2026-11-23", "reason": "Timeout"}}
    entry = ActivityEntry(before={"suspended": {}}, after={"suspended": suspended, "tags": ["a", "b"]})

    found = {change.name: (change.before, change.after) for change in field_changes(entry)}

    assert found == {"suspended": ("none", "clickhouse (at: 2026-11-23, reason: Timeout)"), "tags": ("none", "a, b")}
