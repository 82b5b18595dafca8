from django.db import migrations


def know_what_goes_together(apps, schema_editor):
    """Actions, kinds of actors, results and connections depend on each other, which PostgreSQL has to be told of."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE STATISTICS audit_together (mcv) ON action, actor_kind, result, connection FROM audit_auditentry"
        )
        schema_editor.execute("ALTER STATISTICS audit_together SET STATISTICS 1000")


def forget(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS IF EXISTS audit_together")


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_archives")]

    operations = [migrations.RunPython(know_what_goes_together, forget)]
