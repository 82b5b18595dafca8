"""Edges between mirrored objects, parsed from the SQL of the views."""

from __future__ import annotations

from django.db import models

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.lint.models import LintExemption, LintLevel
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

__all__ = ["Edge", "LintExemption", "LintLevel", "Reading"]


class Reading(models.Model):
    """What one view's current SQL reads; redone when its hash differs from the view's."""

    saved_query = models.OneToOneField(SavedQuery, models.CASCADE, related_name="reading")
    query_hash = models.CharField(max_length=64)
    complete = models.BooleanField(default=True)
    problem = models.CharField(max_length=300, blank=True)
    tree = models.BinaryField(null=True)  # the parsed query, as `trees` packs it; None where it could not be parsed

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.saved_query)


class Edge(models.Model):
    """`downstream` selects from `name`: another view, a table, a built-in such as `events`, or something unresolved."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    downstream = models.ForeignKey(SavedQuery, models.CASCADE, related_name="upstream_edges")
    name = models.CharField(max_length=300)
    upstream_view = models.ForeignKey(SavedQuery, models.SET_NULL, null=True, related_name="downstream_edges")
    upstream_table = models.ForeignKey(WarehouseTable, models.SET_NULL, null=True, related_name="downstream_edges")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["downstream", "name"], name="lineage_one_edge_per_name")]
        indexes = [models.Index(fields=["connection", "name"])]

    def __str__(self) -> str:
        return f"{self.name} → {self.downstream}"
