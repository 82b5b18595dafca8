"""Changes from before items existed keep what they propose, forwards and back."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from warehouse_admin.mirror.models import SavedQuery

BEFORE, AFTER = [("changes", "0004_list_index")], [("changes", "0008_revision_of_items")]


def migrated(targets):
    executor = MigrationExecutor(database)
    executor.migrate(targets)
    return MigrationExecutor(database).loader.project_state(targets).apps


@pytest.fixture
def old(transactional_db):
    """The models as they were, in a database that is brought up to date again afterwards."""
    newest = MigrationExecutor(database).loader.graph.leaf_nodes()
    yield migrated(BEFORE)
    MigrationExecutor(database).migrate(newest)


def test_what_a_revision_proposed_becomes_its_item_and_comes_back(old, connection, author):
    view = SavedQuery.objects.create(connection=connection, posthog_id=uuid.uuid4(), name="orders")
    change = old.get_model("changes", "ChangeRequest").objects.create(
        connection_id=connection.pk,
        saved_query_id=view.pk,
        author_id=author.pk,
        action="edit_query",
        state="in_review",
        state_changed_at=timezone.now(),
    )
    base, proposal = {"query": "SELECT 1", "name": "orders"}, {"query": "SELECT 2 AS two"}
    old.get_model("changes", "Revision").objects.create(
        change=change, number=1, editor_id=author.pk, base=base, proposal=proposal, digest="d", meaning_digest="m"
    )

    new = migrated(AFTER)

    item = new.get_model("changes", "Item").objects.get()
    assert (item.action, item.base, item.proposal, item.dependents) == ("edit_query", base, proposal, [])
    assert (item.object_name, item.saved_query_id) == ("orders", view.pk)
    assert new.get_model("changes", "ChangeRequest").objects.get().object_name == "orders"
    assert new.get_model("changes", "Revision").objects.get().requirements[0]["role"] == "reviewer"
    with pytest.raises(Exception, match="never changed"), database.cursor() as cursor:
        cursor.execute("UPDATE changes_item SET object_name = 'x'")

    former = migrated(BEFORE).get_model("changes", "Revision").objects.get()

    assert (former.base, former.proposal, former.digest) == (base, proposal, "d")
