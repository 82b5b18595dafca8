"""Lint as the API shows it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from warehouse_admin.core.rest.fields import ExactText
from warehouse_admin.lineage.lint.base import Level
from warehouse_admin.lineage.lint.links import page_of_rule
from warehouse_admin.lineage.lint.models import LintExemption
from warehouse_admin.lineage.lint.report import Finding, Report


class ExemptBy(serializers.Serializer):
    """Who said that a finding may stay."""

    id = serializers.IntegerField(source="pk")
    by = serializers.CharField(source="granted_by.username", help_text="The user name.")
    reason = serializers.CharField()
    until = serializers.DateField(allow_null=True, help_text="The last day; null: until somebody takes it back.")
    counts = serializers.SerializerMethodField(help_text="False where whoever granted it wrote the text.")

    def get_counts(self, row: LintExemption) -> bool:
        return bool(self.context.get("counts", True))


class FindingRow(serializers.Serializer):
    """One place that breaks a rule."""

    rule = serializers.CharField(source="rule.id")
    title = serializers.CharField(source="rule.title")
    level = serializers.CharField(help_text="`error`, which stands in the way, `warning` or `note`.")
    message = serializers.CharField()
    line = serializers.IntegerField(help_text="From 1, as the column.")
    column = serializers.IntegerField()
    offset = serializers.IntegerField(help_text="In characters, from 0.")
    url = serializers.SerializerMethodField(help_text="The page that explains the rule.")
    blocks = serializers.BooleanField(help_text="Whether it stands in the way of asking for a review.")
    exemption = serializers.SerializerMethodField()

    def get_url(self, finding: Finding) -> str:
        return page_of_rule(finding.rule.id)

    def get_exemption(self, finding: Finding) -> dict[str, Any] | None:
        if finding.exemption is None:
            return None
        found: dict[str, Any] = ExemptBy(finding.exemption, context={"counts": not finding.own}).data
        return found

    get_exemption.__annotations__["return"] = ExemptBy  # what drf-spectacular describes


class ReportRow(serializers.Serializer):
    """What lint found in a text, worst first."""

    findings = FindingRow(many=True)
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="By level, and those that are exempt.")
    passed = serializers.SerializerMethodField(help_text="The rules that found nothing.")
    off = serializers.SerializerMethodField(help_text="The rules that are off in this connection.")
    problem = serializers.CharField(allow_blank=True, help_text="Why lint could not look; empty where it did.")
    more = serializers.IntegerField(help_text="Findings that are left out.")

    def get_passed(self, report: Report) -> list[str]:
        return [rule.id for rule in report.passed]

    def get_off(self, report: Report) -> list[str]:
        return [rule.id for rule in report.off]


class LevelOfRule(serializers.Serializer):
    connection = serializers.CharField(source="connection.slug")
    level = serializers.ChoiceField(choices=Level.choices)
    reason = serializers.SerializerMethodField(help_text="Null where it is the rule's own level.")
    set_by = serializers.SerializerMethodField()

    def get_reason(self, row: Any) -> str | None:
        return row.word.reason if row.word else None

    def get_set_by(self, row: Any) -> str | None:
        return row.word.set_by.get_username() if row.word else None


class RuleRow(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    level = serializers.ChoiceField(choices=Level.choices, help_text="By itself; `levels` tell what it weighs where.")
    why = serializers.CharField()
    bad = serializers.CharField()
    good = serializers.CharField()
    limits = serializers.CharField(allow_blank=True, help_text="What it does not see, or leaves alone.")
    of_previews = serializers.BooleanField(help_text="Whether it is said beside previews alone.")
    url = serializers.SerializerMethodField()
    levels = LevelOfRule(many=True)

    def get_url(self, row: dict[str, Any]) -> str:
        return page_of_rule(row["id"])


class LevelBody(serializers.Serializer):
    connection = serializers.SlugField(required=False, help_text="May be left out where there is one.")
    level = ExactText(help_text=f"One of {', '.join(Level.values)}.")
    reason = ExactText(required=False, default="")


class ExemptionRow(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    connection = serializers.CharField(source="connection.slug")
    saved_query = serializers.UUIDField(
        source="saved_query.posthog_id", default=None, allow_null=True, help_text="Null: of a view not made yet."
    )
    name = serializers.CharField(source="view_name")
    rule = serializers.CharField()
    reason = serializers.CharField()
    until = serializers.DateField(allow_null=True)
    state = serializers.ChoiceField(choices=["standing", "ended", "revoked"])
    granted_by = serializers.CharField(source="granted_by.username")
    granted_at = serializers.DateTimeField()
    revoked_by = serializers.CharField(source="revoked_by.username", default=None, allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    revoked_reason = serializers.CharField(allow_blank=True)


class ExemptionBody(serializers.Serializer):
    """Either `saved_query`, or `name` (and `connection`, where there are several) of a view not made yet."""

    rule = serializers.CharField(max_length=60)
    reason = ExactText(required=False, default="")
    until = serializers.DateField(required=False, allow_null=True, default=None)
    saved_query = serializers.CharField(max_length=100, required=False)
    connection = serializers.SlugField(required=False, default="")
    name = ExactText(required=False, default="")


class ReasonBody(serializers.Serializer):
    reason = ExactText(required=False, default="")


class TextOfView(serializers.Serializer):
    query = serializers.CharField(trim_whitespace=False)


class TextOfNewView(TextOfView):
    connection = serializers.SlugField(required=False, default="")
    name = ExactText(required=False, default="")


class Laid(serializers.Serializer):
    query = serializers.CharField(help_text="In the new layout; it certainly means the same.")
    changed = serializers.BooleanField()
