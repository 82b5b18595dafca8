"""Deleting a view for good."""

from __future__ import annotations

from typing import Any

from warehouse_admin.changes.actions.base import Action, Consequences, Facts, Inverse, Row, Subject, count, listed
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage import impact
from warehouse_admin.lineage.impact import Impact
from warehouse_admin.mirror.models import Observation
from warehouse_admin.mutations.models import Mutation


class Delete(Action):
    name = ChangeRequest.Action.DELETE
    kind = Mutation.Kind.DELETE
    did = Observation.Kind.DELETED
    label = menu_label = "Delete"
    is_danger = True
    icon = "trash"
    binds_dependents = True

    def relevant(self, base: Facts) -> Any:
        return [base.get("name"), base.get("query")]

    def moved(self, base: Facts, now: Facts) -> str:
        said = []
        if base.get("name") != now.get("name"):
            said.append(f"PostHog calls it {now.get('name')} by now, no longer {base.get('name')}.")
        if base.get("query") != now.get("query"):
            said.append("PostHog holds another text by now.")
        return " ".join(said)

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        return [Row("View", subject.base.get("name") or subject.name, None)]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        names = subject.dependents
        effects = ["PostHog deletes the view. Nobody can undelete it there."]
        if subject.is_materialized:
            effects.append("Its table and its schedule go with it.")
        if subject.generation in ("A", "B"):
            effects.append("This server writes no deletions into its own log; the portal's audit trail is the record.")
        lost = [
            "Its id, history, joins, links and access grants: rolled back, it is a new view of the same name and SQL."
        ]
        if not names:
            return Consequences(effects, lost=lost)
        told = f"{count(len(names), 'view')} select{'s' if len(names) == 1 else ''} from it: {listed(names)}."
        if subject.generation in ("C", "D"):
            refusal = f"{told} PostHog refuses to delete it before they are changed or deleted."
            return Consequences(effects, lost=lost, refusal=refusal)
        return Consequences(effects, [f"{told} They fail at their next run; this server does not ask."], lost)

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        return impact.of_removal(subject.view, "it is deleted") if subject.view else None

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        if before.get("query") is None or not before.get("name"):
            return Inverse(impossible="What PostHog held before was not recorded, so it cannot be restored.")
        lost = ["Its id: it comes back as a new view, without its history, joins, links and access grants."]
        if before.get("is_materialized"):
            lost.append("Its table and schedule: materialize it again afterwards.")
        values = {"name": before["name"], "query": before["query"]}
        return Inverse(ChangeRequest.Action.CREATE_VIEW, values, lost)
