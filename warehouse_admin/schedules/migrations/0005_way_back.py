"""Nothing forwards; backwards it makes room for the schema before plans and holds, which knows resumes by people only.

The trail keeps what is deleted here: every campaign, its mutations and their outcomes are audit entries.
"""

from django.db import migrations
from django.db.models import Q
from django.utils import timezone

OPEN = ["queued", "running"]
WHY = "Stopped because the portal went back to an older version."


def forget_what_the_old_schema_cannot_tell(apps, schema_editor):
    Campaign = apps.get_model("schedules", "Campaign")
    # Older code would take every campaign for a resume that a person started, and would send what is still open.
    untold = ~Q(action="resume") | ~Q(method="resume_schedules") | Q(started_by=None)
    Campaign.objects.filter(untold).delete()
    apps.get_model("schedules", "CampaignItem").objects.filter(campaign__state__in=OPEN).update(is_open=False)
    stopped = {"state": "stopped", "error": WHY, "claim": "", "finished_at": timezone.now()}
    Campaign.objects.filter(state__in=OPEN).update(**stopped)


class Migration(migrations.Migration):

    dependencies = [
        ("schedules", "0004_wake_tries"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, forget_what_the_old_schema_cannot_tell),
    ]
