"""The columns that a query gives."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject
from warehouse_admin.lineage.lint.walk import Join, Node, at, first_of, is_star, joins, output_names, selects


class SelectStar(Rule):
    id = "select-star"
    title = "SELECT * from a table or view"
    why = (
        "A column that is added to the source, dropped from it or renamed comes through unseen, and with it into "
        "everything downstream. Nobody can tell from the text which columns the view has."
    )
    bad = "SELECT *\nFROM stripe_charges"
    good = "SELECT id, customer_id, amount\nFROM stripe_charges"
    limits = "A star over a subquery or a WITH query of the same text is fine: its columns are written there."

    def look(self, subject: Subject) -> Iterable[Found]:
        for select in selects(subject.tree):
            sources = joins(select)
            for item in () if select.only_exists else select.node.get("select") or []:
                if is_star(item):
                    names = [join.name for join in _starred(item, sources) if join.name and join.cte is None]
                    if names:
                        yield Found(at(item), f"It takes whatever columns {_listed(names)} has. Name those you need.")


def _starred(item: Node, sources: list[Join]) -> list[Join]:
    label = str(item["chain"][-2]) if item.get("node") == "Field" and len(item["chain"]) > 1 else ""
    return [join for join in sources if not label or label in join.labels]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


class UnnamedColumn(Rule):
    id = "unnamed-column"
    title = "A computed column without a name"
    why = (
        "PostHog makes a name up from the expression. Whoever reads the view has to quote it, and it changes with "
        "every edit of the expression, which breaks them."
    )
    bad = "SELECT user_id, count()\nFROM orders\nGROUP BY user_id"
    good = "SELECT user_id, count() AS orders\nFROM orders\nGROUP BY user_id"
    limits = "Only the columns of the view itself; a WITH query may do as it likes."

    def look(self, subject: Subject) -> Iterable[Found]:
        for item in first_of(subject.tree).get("select") or []:
            if item.get("node") not in ("Alias", "Field", "ColumnsExpr", "Placeholder"):
                yield Found(at(item), "This column has no name of its own. Add AS and a name.")


class DuplicateColumn(Rule):
    id = "duplicate-column"
    title = "Two columns of one name"
    level = Level.ERROR
    why = (
        "A view has each column once. Of two of one name whoever reads it gets one, and nothing says which; "
        "materialized, its table cannot be made."
    )
    bad = "SELECT o.id, u.id\nFROM orders AS o\nJOIN users AS u ON u.id = o.user_id"
    good = "SELECT o.id AS order_id, u.id AS user_id\nFROM orders AS o\nJOIN users AS u ON u.id = o.user_id"
    limits = "Columns that a star stands for are not compared."

    def look(self, subject: Subject) -> Iterable[Found]:
        seen: set[str] = set()
        for name, item in output_names(first_of(subject.tree)):
            if name in seen:
                yield Found(at(item), f"The view has a column {name} already. Give this one another name.")
            seen.add(name)
