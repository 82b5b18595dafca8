"""Campaigns: one act on many views, one item per view, one outcome each. Holds: pauses that people asked for."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation

SILENT_AFTER = timedelta(seconds=20)
MOST_WAKE_TRIES = 5


class Campaign(models.Model):
    """One act on the schedules of chosen views, verified for each of them by re-reading it."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        STOPPED = "stopped"
        NEEDS_ATTENTION = "needs_attention"

    class Action(models.TextChoices):
        RESUME = "resume"
        PAUSE = "pause"
        RUN = "run"
        CADENCE = "cadence"

    class Method(models.TextChoices):
        RESUME_SCHEDULES = "resume_schedules"  # many views in one call
        RESTORE_CADENCE = "restore_cadence"  # the cadence is set again, view by view, which un-pauses a schedule
        NEVER = "never"  # the cadence is taken away
        RUN = "run"
        PROPOSE = "propose"  # a change request for each view; nothing is sent

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="campaigns")
    action = models.CharField(max_length=10, choices=Action, default=Action.RESUME)
    method = models.CharField(max_length=20, choices=Method, default=Method.RESUME_SCHEDULES)
    cadence = models.CharField(max_length=20, blank=True)  # the new one, or the one where the last is not known
    until = models.DateTimeField(null=True)  # of a pause: when the views wake up
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    reason = models.TextField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )  # null: system
    request_id = models.CharField(max_length=64, blank=True)

    canary_size = models.PositiveIntegerField(default=0)  # so many are sent and verified before the rest
    wave_size = models.PositiveIntegerField(null=True)  # views in one call; null: as many as is good
    per_minute = models.PositiveIntegerField(null=True)  # views sent in a minute; null: as the budget allows
    stop_percent = models.PositiveSmallIntegerField(default=20)  # of the views settled so far that fail again

    needs_second = models.BooleanField(default=False)  # waits until another operator confirms it
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)

    claim = models.CharField(max_length=32, blank=True)  # of the worker that has it; a worker without it must let go
    not_before = models.DateTimeField(null=True)  # wait until then: PostHog, our budget or the pace said so
    waits_for = models.CharField(max_length=200, blank=True)  # why, in words
    setbacks = models.PositiveSmallIntegerField(default=0)  # how often in a row PostHog could not be reached
    calls = models.PositiveIntegerField(default=0)  # mutations asked for so far
    stop_requested = models.BooleanField(default=False)
    stopped_why = models.CharField(max_length=200, blank=True)  # where it stopped by itself
    paused_at = models.DateTimeField(null=True)
    continued_at = models.DateTimeField(null=True)  # views settled before then no longer count for `stop_percent`
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    followed_at = models.DateTimeField(null=True)  # when the first scheduled run of every view was known, or missed

    class Meta:
        default_permissions = ()
        permissions = [("resume_schedules", "Can resume schedules in bulk")]
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "heartbeat_at"]), models.Index(fields=["-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | Q(started_by=None) | ~Q(confirmed_by=F("started_by")),
                name="schedules_nobody_confirms_their_own",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_waiting_for_second(self) -> bool:
        return self.needs_second and self.confirmed_at is None and self.is_open

    @property
    def silence(self) -> str:
        """What to say while no worker gives a sign of life; empty while one does, or while there need be none."""
        if self._waits_for_worker:
            return "a background worker: none has taken it up yet, and it is offered again every half minute"
        beat = self.heartbeat_at
        if self.state != self.State.RUNNING or beat is None or timezone.now() - beat < SILENT_AFTER:
            return ""
        return "its worker, which waits for an answer or was stopped; another one takes it up after a minute of silence"

    @property
    def _waits_for_worker(self) -> bool:
        if self.state != self.State.QUEUED or self.paused_at or self.not_before or self.is_waiting_for_second:
            return False
        since = max(filter(None, (self.created_at, self.confirmed_at, self.continued_at)))
        return timezone.now() - since >= SILENT_AFTER

    @property
    def rests_on(self) -> str:
        """What it waits for now, in words."""
        return self.waits_for or self.silence

    @property
    def started_by_name(self) -> str:
        return self.started_by.get_username() if self.started_by else "system"


class CampaignItem(models.Model):
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
        # of other acts than a resume
        PAUSED = "paused"
        RAN = "ran"
        PROPOSED = "proposed"
        NOT_NEEDED = "not_needed"

    class FollowUp(models.TextChoices):
        """What the first scheduled run after a resume or a run showed."""

        RAN_OK = "ran_ok"
        FAILED_AGAIN = "failed_again"
        NO_RUN_YET = "no_run_yet"

    UNSETTLED = (Outcome.QUEUED, Outcome.SENT, Outcome.ACCEPTED, Outcome.UNKNOWN)
    FINE = (
        Outcome.RESUMED,
        Outcome.NOT_PAUSED,
        Outcome.ACCEPTED,
        Outcome.PAUSED,
        Outcome.RAN,
        Outcome.PROPOSED,
        Outcome.NOT_NEEDED,
    )

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="items")
    saved_query = models.ForeignKey(SavedQuery, models.PROTECT, related_name="campaign_items")
    is_open = models.BooleanField(default=True)  # false once its campaign needs the view no more
    position = models.PositiveIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.QUEUED)
    detail = models.CharField(max_length=300, blank=True)
    mutation = models.ForeignKey(Mutation, models.PROTECT, null=True, related_name="+")
    change_number = models.PositiveBigIntegerField(null=True)  # the change request that was opened for it
    before = models.JSONField(default=dict)  # schedule state, last run, suspension when the campaign began
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # when its first scheduled run after that is due, with grace
    follow_up = models.CharField(max_length=16, choices=FollowUp, blank=True)
    follow_up_at = models.DateTimeField(null=True)  # of the run that it tells of, else of the look

    class Meta:
        default_permissions = ()
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "saved_query"], name="schedules_one_item_per_view"),
            models.UniqueConstraint(
                fields=["saved_query"], condition=Q(is_open=True), name="schedules_one_open_campaign_per_view"
            ),
        ]
        indexes = [
            models.Index(fields=["outcome", "sent_at"]),
            models.Index(
                fields=["due_at"],
                condition=Q(due_at__isnull=False, follow_up__in=["", "no_run_yet"]),
                name="schedules_to_follow_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.saved_query} {self.outcome}"

    @property
    def told(self) -> str:
        """What its outcome rests on; of one that was left over, why nothing was sent."""
        if self.outcome == self.Outcome.QUEUED and not self.campaign.is_open:
            return "Not sent: the campaign was stopped first."
        return self.detail


class Hold(models.Model):
    """A pause that somebody asked for here: why, until when, and what ended it."""

    class End(models.TextChoices):
        WOKEN = "woken"  # its wake-up date came
        RESUMED = "resumed"  # an operator resumed it here
        OUTSIDE = "outside"  # a cadence appeared that no campaign set
        REPLACED = "replaced"  # it was paused anew
        GONE = "gone"  # the view was deleted, or is no longer materialized

    saved_query = models.ForeignKey(SavedQuery, models.CASCADE, related_name="holds")
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    cadence_before = models.CharField(max_length=20, blank=True)
    campaign = models.ForeignKey(Campaign, models.SET_NULL, null=True, related_name="holds")  # that paused it
    wake = models.ForeignKey(Campaign, models.SET_NULL, null=True, related_name="wakes")  # the last to wake it
    wake_tries = models.PositiveSmallIntegerField(default=0)  # wake-ups that came to nothing
    wake_not_before = models.DateTimeField(null=True)  # of the next one, after one that failed
    wake_error = models.CharField(max_length=300, blank=True)  # why it still stands though its date has come
    needs_person_at = models.DateTimeField(null=True)  # since when the portal cannot wake it without a person
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    how = models.CharField(max_length=10, choices=End, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["saved_query"], condition=Q(ended_at=None), name="schedules_one_open_hold_per_view"
            )
        ]
        indexes = [models.Index(fields=["until"], condition=Q(ended_at=None), name="schedules_holds_to_wake")]

    def __str__(self) -> str:
        return f"{self.saved_query} held by {self.by}"

    @property
    def by_name(self) -> str:
        return self.by.get_username() if self.by else "system"

    @property
    def trouble(self) -> str:
        """What is wrong with its wake-up and what happens next, in words; empty while nothing is."""
        if not self.wake_error:
            return ""
        if self.needs_person_at is not None:
            return f"Its wake-up failed and a person has to resume it: {self.wake_error}"
        if self.wake_not_before is None:
            return f"Its wake-up is due and cannot begin yet: {self.wake_error}"
        again = f"next try at {self.wake_not_before:%Y-%m-%d %H:%M} UTC"
        return f"Its wake-up failed ({self.wake_tries} of {MOST_WAKE_TRIES} tries), {again}: {self.wake_error}"
