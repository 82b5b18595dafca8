"""Giving a view a table of its own, and taking it away."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.actions.base import Action, Consequences, Facts, Inverse, Row, Subject, count
from warehouse_admin.changes.actions.settings import in_words
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import Observation, SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.cadences import EVERY_DAY, NEVER, offered


class Materialize(Action):
    name = ChangeRequest.Action.MATERIALIZE
    kind = Mutation.Kind.MATERIALIZE
    did = Observation.Kind.MATERIALIZED
    capability = "materialize"
    fields = ("sync_frequency",)
    label = menu_label = "Materialize"
    default_cadence = EVERY_DAY
    icon = "layers"

    def clean(self, connection: Connection, values: Facts, view: SavedQuery | None) -> Facts:
        wanted = values.get("sync_frequency") or EVERY_DAY
        accepted = self.cadences(connection.generation)
        if wanted not in accepted:
            wrong = f"Here a materialization begins with {', '.join(accepted)}; set another cadence afterwards."
            raise InvalidInput(wrong, errors={"sync_frequency": [wrong]})
        return {"sync_frequency": wanted}

    def fits(self, view: SavedQuery) -> bool:
        return not view.is_materialized

    def cadences(self, generation: str) -> tuple[str, ...]:
        """Older servers begin every materialization with a day, whatever was there."""
        if generation != "D":
            return (EVERY_DAY,)
        return tuple(cadence for cadence in offered(generation) if cadence != NEVER)

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        return "It is materialized already." if subject.is_materialized else ""

    def relevant(self, base: Facts) -> Any:
        return bool(base.get("is_materialized"))

    def moved(self, base: Facts, now: Facts) -> str:
        return _switched(now)

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        held = "yes" if subject.is_materialized else "no"
        runs = in_words(proposal["sync_frequency"])
        return [Row("Materialized", held, "yes"), Row("Cadence", _held_cadence(subject), runs)]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        runs = in_words(proposal["sync_frequency"])
        effects = [f"PostHog makes a table and a schedule, runs it once at once, and then {runs}."]
        if subject.generation != "D":
            effects.append("This server begins every materialization with 24 hours; set another cadence afterwards.")
        if subject.dependents:
            effects.append(f"{count(len(subject.dependents), 'view')} will read its table, as old as its last run.")
        return Consequences(effects)

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        return Inverse(ChangeRequest.Action.UNMATERIALIZE, {}, ["The table and its rows are dropped."])


class Unmaterialize(Action):
    name = ChangeRequest.Action.UNMATERIALIZE
    kind = Mutation.Kind.UNMATERIALIZE
    did = Observation.Kind.UNMATERIALIZED
    capability = "revert_materialization"
    label = "Undo materialization of"
    menu_label = "Undo materialization"
    is_danger = True
    icon = "minus"
    binds_dependents = True

    def fits(self, view: SavedQuery) -> bool:
        return bool(view.is_materialized)

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        return "" if subject.is_materialized else "It is not materialized, so there is nothing to undo."

    def relevant(self, base: Facts) -> Any:
        return bool(base.get("is_materialized"))

    def moved(self, base: Facts, now: Facts) -> str:
        return _switched(now)

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        held = "yes" if subject.is_materialized else "no"
        return [Row("Materialized", held, "no"), Row("Cadence", _held_cadence(subject), "none")]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        effects = ["PostHog drops its table and its schedule; it is computed anew whenever it is read."]
        if names := subject.dependents:
            effects.append(
                f"{count(len(names), 'view')} {'selects' if len(names) == 1 else 'select'} from it: slower from now on."
            )
        lost = ["The rows in the table, and its last run and last error.", _cadence_lost(subject)]
        return Consequences(effects, lost=[line for line in lost if line])

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        former = before.get("sync_frequency") or EVERY_DAY
        lost = ["The rows that were dropped: the first run computes them anew."]
        if not before.get("sync_frequency"):
            lost.append("Its pause: it runs every 24 h again; set its cadence to never afterwards.")
        if generation != "D" and former != EVERY_DAY:
            lost.append(f"Its cadence: this server begins with 24 hours; set {in_words(former)} again afterwards.")
        return Inverse(
            ChangeRequest.Action.MATERIALIZE,
            {"sync_frequency": former if generation == "D" else EVERY_DAY},
            lost,
        )


def _switched(now: Facts) -> str:
    if now.get("is_materialized"):
        return f"It is materialized in PostHog by now; its cadence is {in_words(now.get('sync_frequency'))}."
    return "It is not materialized in PostHog any more."


def _held_cadence(subject: Subject) -> str | None:
    held = subject.base.get("sync_frequency")
    return in_words(held) if held else None


def _cadence_lost(subject: Subject) -> str:
    held = subject.base.get("sync_frequency")
    if not held or subject.generation == "D" or held == EVERY_DAY:
        return ""
    return f"Its cadence, {in_words(held)}: materialized again it begins with 24 hours."
