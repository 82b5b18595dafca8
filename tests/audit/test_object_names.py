"""A part of an object's name is looked for among names, which the database notes with each entry."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from warehouse_admin.audit import searching, selectors, services
from warehouse_admin.audit.models import AuditEntry, ObjectName
from warehouse_admin.audit.targets import Target

pytestmark = pytest.mark.django_db


def record(*names: str) -> None:
    for number, name in enumerate(names):
        services.record(actor=None, action="change.approved", target=Target("change", str(number), name))


def found(text: str) -> list[str]:
    window = selectors.window(selectors.search(AuditEntry.objects.all(), {"object": text}), "")
    return [entry.object_name for entry in window.entries]


def test_each_name_is_noted_once_with_its_entry() -> None:
    record("mart_orders", "mart_orders", "")
    assert list(ObjectName.objects.filter(name__startswith="mart").values_list("name", flat=True)) == ["mart_orders"]
    assert not ObjectName.objects.filter(name="").exists()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ORDERS", ["mart_orders", "orders_daily"]),
        ("mart_orders", ["mart_orders"]),
        ("größe", ["tabelle_GRÖSSE_größe"]),
        ("a%b", ["a%b"]),
        ("no_such", []),
    ],
)
def test_it_finds_what_looking_into_each_entry_found(text: str, names: list[str]) -> None:
    record("mart_orders", "orders_daily", "a%b", "aXb", "tabelle_GRÖSSE_größe")
    assert sorted(found(text)) == sorted(names)


def test_few_names_are_asked_for_one_by_one_and_many_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    record("mart_a", "mart_b", "mart_c")
    with CaptureQueriesContext(database) as few:
        assert len(found("mart_")) == 3
    assert any('"object_name" IN' in query["sql"] for query in few)
    monkeypatch.setattr(searching, "MOST_NAMES", 2)
    with CaptureQueriesContext(database) as many:
        assert len(found("mart_")) == 3
    assert not any('"object_name" IN' in query["sql"] for query in many)


def test_names_of_entries_from_before_are_noted() -> None:
    record("mart_orders")
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM audit_objectname")
    migration = import_module("warehouse_admin.audit.migrations.0010_object_names")
    migration.forget_names(apps, SimpleNamespace(connection=database))
    record("written_without")
    migration.note_names(apps, SimpleNamespace(connection=database))
    record("written_after")
    noted = set(ObjectName.objects.values_list("name", flat=True))
    assert {"mart_orders", "written_without", "written_after"} <= noted
