from django.db import migrations

NAMES = ["Viewer", "Editor", "Reviewer", "Operator", "Auditor", "Administrator"]


def make_groups(apps, schema_editor):
    # Their permissions follow by themselves, once each app's permissions exist.
    group = apps.get_model("auth", "Group")
    for name in NAMES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
