import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mirror", "0012_search_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until", models.DateTimeField()),
                ("name", models.CharField(max_length=200)),
                ("sync_frequency", models.CharField(blank=True, max_length=20)),
                ("is_materialized", models.BooleanField(null=True)),
                ("columns", models.JSONField(default=list)),
                ("description", models.TextField(blank=True)),
                ("folder_name", models.CharField(blank=True, max_length=200)),
                ("deleted_at", models.DateTimeField(null=True)),
                (
                    "saved_query",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="former", to="mirror.savedquery"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["saved_query", "until", "id"], name="mirror_former_of_view"),
                    models.Index(fields=["until", "saved_query"], name="mirror_former_by_moment"),
                ],
            },
        ),
    ]
