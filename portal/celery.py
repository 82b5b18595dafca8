"""The Celery app and the whole beat schedule."""

from __future__ import annotations

import logging.config
import os
import uuid
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging
from django.dispatch import receiver
from django_structlog.celery.signals import bind_extra_task_metadata
from django_structlog.celery.steps import DjangoStructLogInitStep

from warehouse_admin.core import context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "start-due-syncs": {"task": "mirror.start_due_syncs", "schedule": 30.0, "options": {"expires": 25}},
    "close-stuck-syncs": {"task": "mirror.close_stuck_syncs", "schedule": 30.0, "options": {"expires": 25}},
    "settle-changes": {"task": "changes.settle_open_changes", "schedule": 20.0, "options": {"expires": 15}},
    "expire-changes": {"task": "changes.expire_idle_changes", "schedule": 3600.0, "options": {"expires": 3000}},
    "follow-campaigns": {"task": "schedules.follow_campaigns", "schedule": 30.0, "options": {"expires": 25}},
    "wake-holds": {"task": "schedules.wake_holds", "schedule": 60.0, "options": {"expires": 55}},
    "settle-mutations": {"task": "mutations.settle_unconfirmed", "schedule": 20.0, "options": {"expires": 15}},
    "refresh-states": {"task": "mirror.refresh_states", "schedule": 60.0, "options": {"expires": 55}},
    "watch-overdue": {"task": "activity.watch_overdue", "schedule": 60.0, "options": {"expires": 55}},
    "remove-old-drafts": {"task": "changes.remove_old_drafts", "schedule": 24 * 3600.0, "options": {"expires": 3600}},
    "verify-audit": {"task": "audit.verify_chain", "schedule": 24 * 3600.0, "options": {"expires": 3600}},
    "seal-audit": {"task": "audit.seal_chain", "schedule": 600.0, "options": {"expires": 550}},
    "tend-interviews": {"task": "interviews.tend", "schedule": 20.0, "options": {"expires": 15}},
    "tend-exports": {"task": "audit.tend_exports", "schedule": 60.0, "options": {"expires": 55}},
    "beat-heartbeat": {"task": "mirror.note_beat", "schedule": 15.0, "options": {"expires": 14}},
}


@receiver(bind_extra_task_metadata)
def open_context(task: Any, **kwargs: Any) -> None:
    """A task goes on under the request id of whoever queued it; audit entries and log lines both carry it."""
    asked_by = structlog.contextvars.get_contextvars().get("request_id")
    opened = context.RequestContext(request_id=asked_by or uuid.uuid4().hex, user_agent=f"task {task.name}")
    structlog.contextvars.bind_contextvars(request_id=opened.request_id)
    context.begin(opened)


@setup_logging.connect
def use_portal_logging(**kwargs: object) -> None:
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
