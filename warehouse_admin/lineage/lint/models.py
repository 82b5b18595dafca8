"""What people decided about lint rules: how much each weighs in a project, and where one need not be kept."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.mirror.models import SavedQuery


class LintLevel(models.Model):
    """What a rule weighs in one connection, where that is not what it weighs by itself."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="lint_levels")
    rule = models.CharField(max_length=60)
    level = models.CharField(max_length=10)
    reason = models.TextField()
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        app_label = "lineage"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["connection", "rule"], name="lineage_one_level_per_rule")]

    def __str__(self) -> str:
        return f"{self.rule} is {self.level} in {self.connection}"


class LintExemptionQuerySet(models.QuerySet["LintExemption"]):
    def standing(self) -> LintExemptionQuerySet:
        """Those that nobody took back and whose day has not passed."""
        return self.filter(self.model.unended(), revoked_at=None)

    def for_list(self) -> LintExemptionQuerySet:
        """With all that is told of each, and no text or key."""
        unread = ("saved_query__query", "saved_query__columns", *CONNECTION_UNREAD)
        return self.select_related("connection", "saved_query", "granted_by", "revoked_by").defer(*unread)


class LintExemption(models.Model):
    """One view need not keep one rule: the view whatever it is called or, before it is made, whatever gets the name."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    saved_query = models.ForeignKey(SavedQuery, models.CASCADE, null=True, related_name="lint_exemptions")
    name = models.CharField(max_length=200)  # of the view when it was granted
    rule = models.CharField(max_length=60)
    reason = models.TextField()
    until = models.DateField(null=True)  # the last day on which it counts
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.TextField(blank=True)

    objects = LintExemptionQuerySet.as_manager()

    class Meta:
        app_label = "lineage"
        default_permissions = ()
        permissions = [("exempt_finding", "Can exempt a view from a lint rule")]
        ordering = ["-granted_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["saved_query", "rule"],
                condition=Q(revoked_at=None, saved_query__isnull=False),
                name="lineage_one_exemption_per_view",
            ),
            models.UniqueConstraint(
                fields=["connection", "name", "rule"],
                condition=Q(revoked_at=None, saved_query=None),
                name="lineage_one_exemption_per_name",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.view_name} need not keep {self.rule}"

    @staticmethod
    def unended() -> Q:
        return Q(until=None) | Q(until__gte=today())

    @property
    def view_name(self) -> str:
        return self.saved_query.name if self.saved_query else self.name

    @property
    def has_ended(self) -> bool:
        return self.until is not None and self.until < today()

    @property
    def state(self) -> str:
        """`standing`, `ended` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "ended" if self.has_ended else "standing"


def today() -> datetime.date:
    return timezone.now().date()
