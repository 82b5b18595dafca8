"""What every revision proposed so far becomes its one item."""

from django.db import migrations
from django.db.models import OuterRef, Subquery

ONE_REVIEWER = [{"label": "One reviewer", "role": "reviewer", "count": 1}]
COPY = """INSERT INTO changes_item
    (revision_id, position, action, saved_query_id, object_name, base, proposal, dependents)
    SELECT r.id, 0, c.action, c.saved_query_id, c.object_name, r.base, r.proposal, '[]'
    FROM changes_revision r JOIN changes_changerequest c ON c.id = r.change_id"""


def fill(apps, schema_editor):
    """In the database itself: revisions hold whole queries."""
    change, view = apps.get_model("changes", "ChangeRequest"), apps.get_model("mirror", "SavedQuery")
    name = Subquery(view.objects.filter(pk=OuterRef("saved_query_id")).values("name")[:1])
    change.objects.update(object_name=name)
    apps.get_model("changes", "Revision").objects.update(requirements=ONE_REVIEWER)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(COPY)


def put_back(apps, schema_editor):
    """Only edits of a query fit into the former tables: with anything else there is no way back."""
    change, item = apps.get_model("changes", "ChangeRequest"), apps.get_model("changes", "Item")
    if others := change.objects.exclude(action="edit_query").count():
        raise RuntimeError(f"{others} changes are not edits of a query, which the former version cannot hold.")
    mine = item.objects.filter(revision=OuterRef("pk"))
    revisions = apps.get_model("changes", "Revision").objects
    revisions.update(base=Subquery(mine.values("base")[:1]), proposal=Subquery(mine.values("proposal")[:1]))
    item.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("changes", "0006_items")]

    operations = [migrations.RunPython(fill, put_back)]
