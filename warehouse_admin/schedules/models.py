"""Bulk resume: one campaign, one item per view, one outcome each."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation


class BulkResume(models.Model):
    """A campaign that resumes the schedules of chosen views and verifies each of them by re-reading."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        STOPPED = "stopped"
        NEEDS_ATTENTION = "needs_attention"

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="resumes")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    reason = models.TextField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    request_id = models.CharField(max_length=64, blank=True)
    claim = models.CharField(max_length=32, blank=True)  # of the worker that has it; a worker without it must let go
    not_before = models.DateTimeField(null=True)  # wait until then: PostHog or our budget said so
    stop_requested = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        permissions = [("resume_schedules", "Can resume schedules in bulk")]
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "heartbeat_at"]), models.Index(fields=["-created_at"])]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class BulkResumeItem(models.Model):
    """One view of a campaign, what was known before, and what came of it."""

    class Outcome(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        ACCEPTED = "accepted"
        RESUMED = "resumed"
        NOT_PAUSED = "not_paused"
        IGNORED = "ignored"
        FAILED_AGAIN = "failed_again"
        FAILED = "failed"
        UNKNOWN = "unknown"

    UNSETTLED = (Outcome.QUEUED, Outcome.SENT, Outcome.ACCEPTED, Outcome.UNKNOWN)
    FINE = (Outcome.RESUMED, Outcome.NOT_PAUSED, Outcome.ACCEPTED)

    resume = models.ForeignKey(BulkResume, models.CASCADE, related_name="items")
    saved_query = models.ForeignKey(SavedQuery, models.PROTECT, related_name="resume_items")
    is_open = models.BooleanField(default=True)  # false once its campaign needs the view no more
    position = models.PositiveIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.QUEUED)
    detail = models.CharField(max_length=300, blank=True)
    mutation = models.ForeignKey(Mutation, models.PROTECT, null=True, related_name="+")
    before = models.JSONField(default=dict)  # schedule state, last run, suspension when the campaign began
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["resume", "saved_query"], name="schedules_one_item_per_view"),
            models.UniqueConstraint(
                fields=["saved_query"], condition=Q(is_open=True), name="schedules_one_open_campaign_per_view"
            ),
        ]
        indexes = [models.Index(fields=["outcome", "sent_at"])]

    def __str__(self) -> str:
        return f"{self.saved_query} {self.outcome}"
