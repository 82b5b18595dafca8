"""What a change does to all that reads its object: computed with each revision, shown, and bound to the votes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from warehouse_admin.changes.actions import Subject, action_of
from warehouse_admin.changes.models import ChangeRequest, Item, Revision
from warehouse_admin.lineage import impact
from warehouse_admin.lineage import selectors as lineage
from warehouse_admin.lineage.checks import check_view_sql
from warehouse_admin.lineage.grading import ORDER, Grade
from warehouse_admin.mirror.models import SavedQuery

NOT_GRADED: dict[str, Any] = {"grade": None, "columns": [], "counts": {}, "notes": []}
"""Of a revision from before impact was computed."""


def compute(change: ChangeRequest, item: Item) -> dict[str, Any] | None:
    """As the mirror knows it now; None where there is no object yet."""
    subject = Subject(change.connection, change.object_name, item.base, change.about, item.dependents)
    found = action_of(item.action).impact(subject, item.proposal)
    return found.as_dict() if found else None


def worse_now(change: ChangeRequest, revision: Revision) -> list[str]:
    """Views that would break now, or might, and were shown to fare better when the revision was written."""
    item = revision.item
    if item.impact is None:
        return []
    shown = {one["id"]: _rank(one["grade"]) for one in item.impact["dependents"]}
    now = compute(change, item) or NOT_GRADED | {"dependents": []}
    bad = _rank(Grade.CANNOT_TELL)
    return [
        one["name"]
        for one in now["dependents"]
        if _rank(one["grade"]) >= bad and _rank(one["grade"]) > shown.get(one["id"], 0)
    ]


def as_shown(change: ChangeRequest, revision: Revision, readers: Iterable[SavedQuery], caveat: str) -> dict[str, Any]:
    """The impact of a revision as pages and the API tell it. `readers`: those that select from it now."""
    item = revision.item
    if item.impact is None:
        dependents = [_ungraded(view, change.object_name) for view in readers]
        return NOT_GRADED | {"dependents": dependents, "caveat": caveat}
    known = {one["id"] for one in item.impact["dependents"]}
    new = [view.name for view in readers if str(view.posthog_id) not in known]
    if new and not change.is_closed:
        told = f"{', '.join(new[:5])} {'selects' if len(new) == 1 else 'select'} from it since r{revision.number}."
        caveat = f"{told} {caveat}".strip()
    return item.impact | {"caveat": caveat}


def of_text(view: SavedQuery, typed: str) -> dict[str, Any]:
    """For an editor: what a text would do in place of the one that the mirror holds, or why nobody can tell yet."""
    caveat = lineage.caveat(view.connection)
    wrong = next((one for one in check_view_sql(typed) if one.level == "error"), None) if typed else None
    if wrong is None:
        told = impact.of_edit(view, view.query or "", typed or view.query or "").as_dict()
        return {"impact": told | {"caveat": caveat}, "impact_problem": ""}
    dependents = [_ungraded(one, view.name) for one in lineage.downstream(view)]
    problem = f"Line {wrong.line} has to be mended before this can be told. {wrong.message}"
    return {"impact": NOT_GRADED | {"dependents": dependents, "caveat": caveat}, "impact_problem": problem}


def direct(told: dict[str, Any]) -> list[str]:
    """The names of the views that select from it themselves."""
    return [one["name"] for one in told["dependents"] if one["depth"] == 1]


def _ungraded(view: SavedQuery, via: str) -> dict[str, Any]:
    kind = "materialized_view" if view.is_materialized else "view"
    known = {"id": str(view.posthog_id), "name": view.name, "kind": kind, "via": via, "depth": 1}
    return known | {"grade": None, "why": [], "columns": []}


def _rank(grade: str | None) -> int:
    return ORDER.index(Grade(grade)) if grade else 0
