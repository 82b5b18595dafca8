"""Changes of warehouse tables. SQLite rebuilds a table to drop a column, so the triggers that name it are made anew."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


_OWNERS = [
    import_module(f"warehouse_admin.changes.migrations.{name}")
    for name in ("0008_revision_of_items", "0009_co_authors_and_votes")
]


def release(apps, schema_editor):
    for owner in _OWNERS:
        owner.release(apps, schema_editor)


def protect(apps, schema_editor):
    for owner in _OWNERS:
        owner.protect(apps, schema_editor)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_guards'),
        ('changes', '0009_co_authors_and_votes'),
        ('mirror', '0010_columns_of_tables'),
        ('mutations', '0005_tables_and_credentials'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(release, protect),
        migrations.AddField(
            model_name='changerequest',
            name='table',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='mirror.warehousetable'),
        ),
        migrations.AddField(
            model_name='item',
            name='table',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mirror.warehousetable'),
        ),
        migrations.AlterField(
            model_name='changerequest',
            name='action',
            field=models.CharField(choices=[('create_view', 'Create view'), ('edit_query', 'Edit query'), ('rename', 'Rename'), ('set_cadence', 'Set cadence'), ('materialize', 'Materialize'), ('unmaterialize', 'Undo materialization'), ('delete', 'Delete'), ('create_table', 'Create table'), ('update_table', 'Change table'), ('delete_table', 'Delete table'), ('refresh_schema', 'Read columns anew'), ('update_schema', 'Change column types')], max_length=20),
        ),
        migrations.AlterField(
            model_name='item',
            name='action',
            field=models.CharField(choices=[('create_view', 'Create view'), ('edit_query', 'Edit query'), ('rename', 'Rename'), ('set_cadence', 'Set cadence'), ('materialize', 'Materialize'), ('unmaterialize', 'Undo materialization'), ('delete', 'Delete'), ('create_table', 'Create table'), ('update_table', 'Change table'), ('delete_table', 'Delete table'), ('refresh_schema', 'Read columns anew'), ('update_schema', 'Change column types')], max_length=20),
        ),
        migrations.AddIndex(
            model_name='changerequest',
            index=models.Index(fields=['table', '-created_at'], name='changes_cha_table_i_3009e9_idx'),
        ),
        migrations.RunPython(protect, release),
    ]
