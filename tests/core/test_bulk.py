"""Rows written in bulk are the rows that Django would have written."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from django.test.utils import CaptureQueriesContext

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bulk import insert_rows, update_rows
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db
LATE = datetime(2026, 5, 4, 3, 2, 1, 654321, tzinfo=UTC)


@pytest.fixture
def views(connection: Connection) -> list[SavedQuery]:
    """Unsaved, with a value of every kind."""
    return [
        SavedQuery(
            connection=connection,
            posthog_id=uuid.uuid4(),
            name=f"it's {number} % \u2713",
            query="SELECT '100 %s',\t'\\N' -- \\.\n\\.\r\n" if number else None,
            columns=[{"name": "a"}],
            suspended=None,
            is_materialized=None,
            last_run_at=LATE,
        )
        for number in range(3)
    ]


def test_they_are_inserted_as_they_are(views: list[SavedQuery]) -> None:
    insert_rows(views)

    for view in views:
        kept = SavedQuery.objects.get(posthog_id=view.posthog_id)
        assert (kept.name, kept.query, kept.columns) == (view.name, view.query, [{"name": "a"}])
        assert (kept.suspended, kept.is_materialized, kept.last_run_at) == (None, None, LATE)
        assert kept.first_seen_at is not None


def test_only_the_named_fields_are_written(views: list[SavedQuery]) -> None:
    SavedQuery.objects.bulk_create(views)
    for view in views:
        view.name, view.suspended, view.status = "renamed", {"clickhouse": {}}, "not to be written"

    update_rows(views, ["name", "suspended"])

    told = SavedQuery.objects.values_list("name", "suspended", "status")
    assert list(told) == [("renamed", {"clickhouse": {}}, "")] * 3


def test_many_are_one_statement_and_none_are_none(views: list[SavedQuery]) -> None:
    from django.db import connection

    with CaptureQueriesContext(connection) as captured:
        insert_rows(views)
        insert_rows([])
        update_rows([], ["name"])

    assert len(captured) == 1


def test_one_that_is_there_already_is_an_error_and_none_of_them_is_written(views: list[SavedQuery]) -> None:
    views[0].save()
    views[0].pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(views[::-1])

    assert SavedQuery.objects.count() == 1


def test_where_another_was_faster_its_row_stays(views: list[SavedQuery]) -> None:
    views[0].save()
    views[0].pk, views[0].name = None, "later"

    insert_rows(views, unless_there=True)

    assert SavedQuery.objects.count() == 3
    assert not SavedQuery.objects.filter(name="later").exists()
