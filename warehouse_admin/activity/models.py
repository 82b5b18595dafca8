"""The inbox: everything that happened in the warehouse, whoever did it, until a person has dealt with it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.teasers import TeaserField
from warehouse_admin.core.saved import Saved
from warehouse_admin.mirror.models import Observation, RemoteActivity, Run, SavedQuery
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
        ADOPTED = "adopted"  # what came from outside is the agreed baseline now
        REVERT = "revert", "Revert requested"

    class Outcome(models.TextChoices):
        """How something that we sent ended, where it did not simply happen; of everything else empty."""

        FAILED = "failed"
        UNKNOWN = "unknown"

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="activity")
    saved_query = models.ForeignKey(SavedQuery, models.PROTECT, null=True, related_name="activity")
    source = models.CharField(max_length=10, choices=Source)
    kind = models.CharField(max_length=60)  # created, edited, renamed, … or PostHog's own verb
    object_name = models.CharField(max_length=200, blank=True)
    author = models.CharField(max_length=254, blank=True)  # a portal user name or a PostHog e-mail; empty: nobody says
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    teaser = TeaserField(default=list)
    occurred_at = models.DateTimeField()
    remote_activity = models.OneToOneField(RemoteActivity, models.PROTECT, null=True, related_name="entry")
    observation = models.OneToOneField(Observation, models.PROTECT, null=True, related_name="entry")
    mutation = models.OneToOneField(Mutation, models.PROTECT, null=True, related_name="entry")
    run = models.OneToOneField(Run, models.SET_NULL, null=True, related_name="entry")
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    known_only_here = models.BooleanField(default=False)  # PostHog's log was read past it and does not tell of it
    needs_review = models.BooleanField(default=False)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    note = models.TextField(blank=True)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="assigned_entries")
    snoozed_until = models.DateTimeField(null=True)  # it waits again from then on, by itself
    asked_at = models.DateTimeField(null=True)  # a question to the author is open
    was_asked = models.BooleanField(default=False)  # whether there is any question, open or answered
    asked_person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    revert_number = models.PositiveBigIntegerField(null=True)  # the change request that proposes what was before
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
            models.Index(
                fields=[
                    "needs_review",
                    "verdict",
                    "source",
                    "kind",
                    "outcome",
                    "assignee",
                    "asked_person",
                    "snoozed_until",
                    "id",
                ],
                name="activity_counted_in_folders",
            ),
            # What PostHog's log may tell of yet.
            models.Index(
                fields=["connection", "-occurred_at"],
                condition=Q(remote_activity=None, known_only_here=False),
                name="activity_not_logged_yet",
            ),
            models.Index(fields=["mutation"], condition=~Q(outcome=""), name="activity_not_happened"),
        ]

    def __str__(self) -> str:
        return f"{self.object_name} {self.kind}"


REVIEWS = [(one.value, one.label) for one in (ActivityEntry.Verdict.ACCEPTED, ActivityEntry.Verdict.FLAGGED)]
"""The verdicts that are only said; the others come with something that is done."""


class Step(models.Model):
    """One thing that a person did with an entry, and what it was like before, so that it can be taken back."""

    entry = models.ForeignKey(ActivityEntry, models.PROTECT, related_name="steps")
    batch = models.UUIDField(default=uuid.uuid4)  # the same for all entries of one click
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    action = models.CharField(max_length=30)
    before = models.JSONField()
    after = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["actor", "-at"]), models.Index(fields=["batch"])]

    def __str__(self) -> str:
        return f"{self.action} {self.entry_id}"


class Question(models.Model):
    """What a reviewer asked the author of an entry, and what came back."""

    entry = models.ForeignKey(ActivityEntry, models.PROTECT, related_name="questions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    addressed_to = models.CharField(max_length=254)  # the author, as the entry names it
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    text = models.TextField()
    asked_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["asked_at", "pk"]
        constraints = [
            # A double click asks once.
            models.UniqueConstraint(
                fields=["entry"], condition=Q(answered_at=None), name="activity_one_open_question_per_entry"
            )
        ]

    def __str__(self) -> str:
        return f"to {self.addressed_to}"


class SavedSearch(Saved):
    """A folder with its filters, under a name."""

    class Meta:
        default_permissions = ()
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="activity_one_search_per_name")]


class RunsTold(models.Model):
    """How far the runs of a connection were looked through for those that changed a view's state."""

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="+")
    told_to = models.BigIntegerField(default=0)  # the primary key of the last run that was looked at
    under_way = models.JSONField(default=list)  # keys of those that had not ended by then

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.connection_id} to {self.told_to}"
