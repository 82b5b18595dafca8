"""The local copy of user interviews, how reading them went, and every write that was asked for. Personal data."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import MirroredQuerySet
from warehouse_admin.mutations.models import Mutation

CONTENT = ("emails_text", "transcript", "summary", "topic", "identifier", "classifications")
"""What is about the interviewee, and goes when the interview goes."""


class Interview(models.Model):
    """A mirrored interview. A tombstone (`deleted_at`) keeps when and by whom it was recorded, and nothing else."""

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="+")
    posthog_id = models.UUIDField()
    emails_text = models.TextField(blank=True)  # one address a line, as PostHog has them
    transcript = models.TextField(blank=True)
    summary = models.TextField(blank=True)
    topic = models.TextField(blank=True)
    identifier = models.TextField(blank=True)
    classifications = models.JSONField(default=list)
    created_by_email = models.CharField(max_length=254, blank=True)
    remote_created_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    synced_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = MirroredQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [
            ("view_interview", "Can read user interviews"),
            ("write_interview", "Can upload, edit and delete user interviews"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["connection", "posthog_id"], name="interviews_one_row_per_interview"),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(emails_text="", transcript="", summary="", topic="", identifier=""),
                name="interviews_tombstones_are_empty",
            ),
        ]
        indexes = [models.Index(fields=["-remote_created_at", "-id"], name="interviews_newest_first")]

    def __str__(self) -> str:
        return f"Interview of {self.remote_created_at:%Y-%m-%d %H:%M} UTC" if self.remote_created_at else "Interview"

    def get_absolute_url(self) -> str:
        return reverse("interviews:detail", args=[self.posthog_id])

    @property
    def emails(self) -> list[str]:
        return self.emails_text.split("\n") if self.emails_text else []

    @property
    def fingerprint(self) -> str:
        """Changes when what a person edits changes: a form carries the one it was opened on."""
        return hashlib.sha256(json.dumps([self.emails_text, self.summary]).encode()).hexdigest()


class Reading(models.Model):
    """How reading the interviews of one connection went, and why there are none where PostHog does not offer them."""

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="interviews_reading")
    is_offered = models.BooleanField(null=True)  # null: nobody could tell yet
    problem = models.TextField(blank=True)
    tried_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)  # when a whole list was last read

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.problem or "read"

    @property
    def told(self) -> str:
        """The problem, and what it means for what is shown."""
        return f"{self.problem} What was read before is still shown." if self.problem and self.read_at else self.problem


class Write(models.Model):
    """One upload, edit or deletion, from the wish until the mirror shows what came of it."""

    class Kind(models.TextChoices):
        CREATE = "create", "Upload"
        EDIT = "edit", "Edit"
        DELETE = "delete", "Deletion"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    mutation = models.OneToOneField(Mutation, models.PROTECT, related_name="+")
    interview = models.ForeignKey(Interview, models.SET_NULL, null=True, related_name="writes")  # of an upload: made
    recording = models.CharField(max_length=60, blank=True)  # the name of the file on disk, while there is one
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["interview"],
                condition=Q(finished_at=None, interview__isnull=False),
                name="interviews_one_open_write",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], condition=Q(finished_at=None), name="interviews_open_writes")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.mutation.state}"

    def get_absolute_url(self) -> str:
        return reverse("interviews:write", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.finished_at is None

    @property
    def audio(self) -> dict[str, Any]:
        """Type, size and digest of an upload's recording."""
        found: dict[str, Any] = self.mutation.payload.get("audio") or {}
        return found

    @property
    def emails(self) -> list[str]:
        """Who an upload names, while it is under way; afterwards only digests are left."""
        found = self.mutation.payload.get("interviewee_emails")
        return found if isinstance(found, list) else []
