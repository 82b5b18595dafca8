"""Every rule by its id, in the order of the page that lists them."""

from __future__ import annotations

from warehouse_admin.core.errors import Missing
from warehouse_admin.lineage.lint.base import Rule
from warehouse_admin.lineage.lint.rules.columns import DuplicateColumn, SelectStar, UnnamedColumn
from warehouse_admin.lineage.lint.rules.conditions import NullComparison
from warehouse_admin.lineage.lint.rules.joins import CommaJoin, CrossJoin
from warehouse_admin.lineage.lint.rules.names import Naming
from warehouse_admin.lineage.lint.rules.order import LimitWithoutOrder, PreviewWithoutLimit
from warehouse_admin.lineage.lint.rules.repeats import ClockInTable, RandomValue
from warehouse_admin.lineage.lint.rules.sets import DistinctAndGroupBy, PlainUnion
from warehouse_admin.lineage.lint.rules.sources import UnhealthySource
from warehouse_admin.lineage.lint.rules.trust import DeprecatedSource, UncertifiedSource
from warehouse_admin.lineage.lint.rules.unused import UnusedCte

_ALL: tuple[type[Rule], ...] = (
    DuplicateColumn,
    SelectStar,
    UnnamedColumn,
    Naming,
    CrossJoin,
    CommaJoin,
    LimitWithoutOrder,
    RandomValue,
    ClockInTable,
    UnhealthySource,
    DeprecatedSource,
    UncertifiedSource,
    UnusedCte,
    PlainUnion,
    DistinctAndGroupBy,
    NullComparison,
    PreviewWithoutLimit,
)
RULES: dict[str, Rule] = {rule.id: rule() for rule in _ALL}
OF_VIEWS = [rule for rule in RULES.values() if not rule.of_previews]
OF_PREVIEWS = [rule for rule in RULES.values() if rule.of_previews]


def rule_of(name: str) -> Rule:
    """The rule of an id; Missing where there is none."""
    if name not in RULES:
        raise Missing(f"There is no lint rule “{name[:60]}”.")
    return RULES[name]
