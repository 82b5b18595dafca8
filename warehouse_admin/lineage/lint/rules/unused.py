"""What is written and never read."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Rule, Subject
from warehouse_admin.lineage.lint.walk import Node, at, nodes


class UnusedCte(Rule):
    id = "unused-cte"
    title = "A WITH query that nothing reads"
    why = (
        "Whoever reads the text takes it for a part of the result, and keeps it up to date. Mostly it was left behind "
        "by an edit, or a source was to be read through it and is not."
    )
    bad = "WITH paid AS (SELECT id FROM orders WHERE is_paid)\nSELECT id\nFROM orders"
    good = "WITH paid AS (SELECT id FROM orders WHERE is_paid)\nSELECT id\nFROM paid"

    def look(self, subject: Subject) -> Iterable[Found]:
        defined = list(nodes(subject.tree, "CTE"))
        if not defined:
            return
        for cte in defined:
            name = str(cte["name"])
            everywhere, inside = _read(subject.tree, name), _read(cte, name)
            if everywhere == inside:
                yield Found(at(cte), f"Nothing reads {name}. Take it out, or read it where it was meant to be read.")


def _read(part: Node, name: str) -> int:
    """How often something is called by this name, before a dot or alone; a column of the same name counts too."""
    return sum(1 for field in nodes(part, "Field") if field["chain"] and str(field["chain"][0]) == name)
