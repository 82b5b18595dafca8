"""The columns of a table: read anew from its files, or given other types by hand."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.actions.base import Consequences, Facts, Inverse, Row, Subject, count, listed, required
from warehouse_admin.changes.actions.warehouse_tables import TableAction
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage import impact
from warehouse_admin.lineage.impact import Impact
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.buckets import TYPES


def types_in(base: Facts) -> dict[str, Any]:
    """The type of each column in what was read of a table."""
    return {str(column.get("name")): column.get("type") for column in base.get("columns") or []}


class RefreshSchema(TableAction):
    name = ChangeRequest.Action.REFRESH_SCHEMA
    kind = Mutation.Kind.REFRESH_SCHEMA
    capability = "refresh_schema"
    label = "Read columns anew of"
    menu_label = "Read columns anew"
    icon = "refresh"

    def relevant(self, base: Facts) -> Any:
        return None

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        return [Row("Columns", f"{count(len(types_in(subject.base)), 'column')}", "as the files have them")]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        effects = ["PostHog reads the files and takes names and types of the columns from them."]
        if names := subject.dependents:
            effects.append(
                f"{count(len(names), 'view')} {'reads' if len(names) == 1 else 'read'} it and may meet other columns: "
                f"{listed(names)}."
            )
        return Consequences(effects, lost=["The columns as they are now, and types that were given by hand."])

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        why = "Its columns are read anew, and nobody knows what the files have."
        return impact.of_doubt(subject.about, why) if subject.about else None

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        why = "Columns that were read from the files cannot be unread; where a type is wrong, change that type."
        return Inverse(impossible=why)


class UpdateSchema(TableAction):
    name = ChangeRequest.Action.UPDATE_SCHEMA
    kind = Mutation.Kind.UPDATE_SCHEMA
    capability = "update_schema"
    fields = ("columns",)
    blamed = "columns"
    label = "Change column types of"
    menu_label = "Change column types"
    icon = "layers"
    binds_dependents = True

    def clean(self, connection: Connection, values: Facts, view: Any) -> Facts:
        required(values, "columns")
        wanted = values["columns"]
        if not isinstance(wanted, dict) or not wanted:
            told = 'Say which columns get which types, as in {"amount": "float"}.'
            raise InvalidInput(told, errors={"columns": [told]})
        wanted = {str(name): str(kind) for name, kind in wanted.items()}
        if wrong := _problems(wanted, view):
            raise InvalidInput(wrong[0], errors={"columns": wrong})
        return {"columns": wanted}

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        held = types_in(subject.base)
        same = all(held.get(name) == kind for name, kind in proposal["columns"].items())
        return "The columns have these types already." if same else ""

    def relevant(self, base: Facts) -> Any:
        return types_in(base)

    def moved(self, base: Facts, now: Facts) -> str:
        return "PostHog holds other columns or types by now."

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        held = types_in(subject.base)
        return [Row(name, str(held.get(name)), kind) for name, kind in sorted(proposal["columns"].items())]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        effects = ["PostHog reads these columns as the new types from now on; values that do not fit become errors."]
        if names := subject.dependents:
            effects.append(
                f"{count(len(names), 'view')} {'reads' if len(names) == 1 else 'read'} it and will meet the new types: "
                f"{listed(names)}."
            )
        return Consequences(effects)

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        return impact.of_types(subject.table, proposal["columns"]) if subject.table else None

    def payload(self, proposal: Facts) -> Facts:
        return {"updates": proposal["columns"]}

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        held = types_in(before)
        former = {name: held.get(name) for name in proposal["columns"]}
        if None in former.values():
            return Inverse(impossible="The former types were not recorded, so they cannot be restored.")
        return Inverse(ChangeRequest.Action.UPDATE_SCHEMA, {"columns": former})


def _problems(wanted: dict[str, str], table: WarehouseTable | None) -> list[str]:
    known = {str(column.get("name")) for column in (table.columns if table else None) or []}
    found = [f"There is no column {name[:60]} in the table." for name in wanted if name not in known]
    kinds = sorted({kind for kind in wanted.values() if kind not in TYPES})
    return found + [f"PostHog has no type {kind[:60]}: use one of {', '.join(TYPES)}." for kind in kinds]
