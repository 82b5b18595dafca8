from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("changes", "0002_four_eyes")]

    operations = [
        migrations.AddField(model_name="changerequest", name="scheduled_for", field=models.DateTimeField(null=True)),
    ]
