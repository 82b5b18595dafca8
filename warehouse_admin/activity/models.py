"""The inbox: everything that happened in the warehouse, whoever did it, until a person has dealt with it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import Observation, RemoteActivity, SavedQuery
from warehouse_admin.mutations.models import Mutation


class ActivityEntry(models.Model):
    """One thing that happened to one view, in exactly one class of source."""

    class Source(models.TextChoices):
        PORTAL = "portal", "Here"
        OUTSIDE = "outside", "Outside"
        SYSTEM = "system", "System"
        UNKNOWN = "unknown", "Unknown"

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted"
        FLAGGED = "flagged"

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="activity")
    saved_query = models.ForeignKey(SavedQuery, models.PROTECT, null=True, related_name="activity")
    source = models.CharField(max_length=10, choices=Source)
    kind = models.CharField(max_length=60)  # created, edited, renamed, … or PostHog's own verb
    object_name = models.CharField(max_length=200, blank=True)
    author = models.CharField(max_length=254, blank=True)  # a portal user name or a PostHog e-mail; empty: nobody says
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    occurred_at = models.DateTimeField()
    remote_activity = models.OneToOneField(RemoteActivity, models.PROTECT, null=True, related_name="entry")
    observation = models.OneToOneField(Observation, models.PROTECT, null=True, related_name="entry")
    mutation = models.OneToOneField(Mutation, models.PROTECT, null=True, related_name="entry")
    needs_review = models.BooleanField(default=False)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    note = models.TextField(blank=True)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "activity entries"
        default_permissions = ()
        permissions = [("review_activityentry", "Can review activity")]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"]),
            models.Index(fields=["needs_review", "verdict", "-occurred_at"]),
            models.Index(fields=["saved_query", "-occurred_at"]),
            models.Index(fields=["source", "-occurred_at"]),
            # All that the folders are counted by, so that counting reads none of the rows, which hold SQL.
            models.Index(fields=["needs_review", "verdict", "source", "kind", "id"], name="activity_counted_entries"),
        ]

    def __str__(self) -> str:
        return f"{self.object_name} {self.kind}"
