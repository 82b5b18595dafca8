"""What is read about rules, levels and exemptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.core.errors import Missing
from warehouse_admin.lineage.lint.base import Level, Rule
from warehouse_admin.lineage.lint.models import LintExemption, LintExemptionQuerySet, LintLevel
from warehouse_admin.lineage.lint.rules import RULES
from warehouse_admin.mirror.models import SavedQuery


@dataclass(frozen=True)
class Weighed:
    """What a rule weighs in one connection, and by whose word where that is not its own weight."""

    connection: Connection
    level: str
    word: LintLevel | None = None


def levels_of(connection: Connection) -> dict[str, str]:
    """Where a connection weighs a rule otherwise than by itself; one query."""
    rows = LintLevel.objects.filter(connection=connection, rule__in=RULES)
    return {rule: level for rule, level in rows.values_list("rule", "level") if level in Level.values}


def words() -> dict[str, list[LintLevel]]:
    """Every word about a level, by rule; one query."""
    found: dict[str, list[LintLevel]] = {}
    for one in LintLevel.objects.select_related("connection").defer(*CONNECTION_UNREAD).order_by("connection__slug"):
        found.setdefault(one.rule, []).append(one)
    return found


def weighed(rule: Rule, connections: Iterable[Connection]) -> list[Weighed]:
    """What a rule weighs in each connection; one query."""
    words = {one.connection_id: one for one in LintLevel.objects.filter(rule=rule.id).select_related("set_by")}
    return [
        Weighed(one, words[one.pk].level if one.pk in words else str(rule.level), words.get(one.pk))
        for one in connections
    ]


def exemptions_of(connection: Connection, view: SavedQuery | None, name: str = "") -> list[LintExemption]:
    """Those that count for a view, or for the name of one that is not made yet."""
    if view is None and not name:
        return []
    about = Q(saved_query=view) if view else Q(connection=connection, saved_query=None, name=name)
    return list(LintExemption.objects.standing().filter(about).select_related("granted_by"))


def exemptions_from(rule: Rule) -> LintExemptionQuerySet:
    """Every exemption from one rule, the newest first."""
    return LintExemption.objects.for_list().filter(rule=rule.id)


def exemption(key: int) -> LintExemption:
    """Missing where there is none of this number."""
    found = LintExemption.objects.for_list().filter(pk=key).first() if key < 2**63 else None
    if found is None:
        raise Missing("There is no such exemption.")
    return found
