"""The Celery app and the whole beat schedule."""

from __future__ import annotations

import logging.config
import os

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "start-due-syncs": {"task": "mirror.start_due_syncs", "schedule": 30.0, "options": {"expires": 25}},
    "close-stuck-syncs": {"task": "mirror.close_stuck_syncs", "schedule": 30.0, "options": {"expires": 25}},
    "settle-changes": {"task": "changes.settle_open_changes", "schedule": 20.0, "options": {"expires": 15}},
    "follow-resumes": {"task": "schedules.follow_resumes", "schedule": 30.0, "options": {"expires": 25}},
    "settle-mutations": {"task": "mutations.settle_unconfirmed", "schedule": 20.0, "options": {"expires": 15}},
    "beat-heartbeat": {"task": "mirror.note_beat", "schedule": 15.0, "options": {"expires": 14}},
}


@setup_logging.connect
def use_portal_logging(**kwargs: object) -> None:
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
