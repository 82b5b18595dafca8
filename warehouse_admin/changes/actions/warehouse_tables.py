"""Linking the files of a bucket as a table, changing and removing such a table."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.actions.base import (
    Action,
    Consequences,
    Facts,
    Inverse,
    Row,
    Subject,
    count,
    listed,
    required,
)
from warehouse_admin.changes.actions.keys import KEYS, in_words, problems_with
from warehouse_admin.changes.actions.names import cautions_about, problem_with_table
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage import impact
from warehouse_admin.lineage.impact import Impact
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.buckets import FORMATS, problem_with_pattern

PLAIN = ("name", "format", "url_pattern")
LABELS = {"name": "Name", "format": "Format", "url_pattern": "URL pattern"}
READS_BUCKET = (
    "PostHog reads the bucket before it answers, which can take half a minute; it is done in the background, and found "
    "out about where the answer is lost."
)
NO_GUARD = "PostHog guards tables with no token: a change that somebody makes in the very same moment is overwritten."
SENT_ONCE = "The keys are sent once and then forgotten here, however it ends; nobody can look at them before."


class TableAction(Action):
    """What all actions on tables share."""

    capability = "tables_write"
    of_tables = True
    kept = ("id", *PLAIN, "columns", KEYS, "created_at", "fetched_at")
    blamed = "table"
    icon = "table"
    looks_first = (
        "The table is read from PostHog first; nothing is sent if somebody has changed it since. No token of PostHog's "
        "guards what happens between that look and the write."
    )

    def relevant(self, base: Facts) -> Any:
        return [base.get(name) for name in PLAIN]

    def moved(self, base: Facts, now: Facts) -> str:
        said = [
            f"Its {LABELS[name].lower().replace('url', 'URL')} in PostHog is {now.get(name)} by now, no longer "
            f"{base.get(name)}."
            for name in PLAIN
            if base.get(name) != now.get(name)
        ]
        return " ".join(said)


def problems(connection: Connection, values: Facts, table: WarehouseTable | None) -> dict[str, list[str]]:
    """What is wrong with the values that were given, by field."""
    found: dict[str, list[str]] = {}
    if "name" in values and (wrong := problem_with_table(values["name"], connection, besides=table)):
        found["name"] = [wrong]
    if "format" in values and values["format"] not in FORMATS:
        found["format"] = [f"Use one of {', '.join(FORMATS)}."]
    if "url_pattern" in values and (wrong := problem_with_pattern(values["url_pattern"])):
        found["url_pattern"] = [wrong]
    return found | (problems_with(values[KEYS]) if KEYS in values else {})


def given(values: Facts, names: tuple[str, ...]) -> Facts:
    """The fields that were sent; texts without space around them."""
    return {
        name: values[name].strip() if isinstance(values[name], str) else values[name]
        for name in names
        if values.get(name) is not None
    }


class CreateTable(TableAction):
    name = ChangeRequest.Action.CREATE_TABLE
    kind = Mutation.Kind.CREATE_TABLE
    fields = (*PLAIN, KEYS)
    blamed = "name"
    label = "Create table"
    icon = "plus"
    makes = True
    has_cautions = True
    looks_first = "The name is looked up in PostHog first; nothing is made if something has it by now."

    def clean(self, connection: Connection, values: Facts, view: Any) -> Facts:
        missing: dict[str, list[str]] = {}
        try:
            required(values, *self.fields)
        except InvalidInput as error:
            missing = error.errors
        proposal = given(values, self.fields)
        if wrong := missing | problems(connection, proposal, None):
            raise InvalidInput(next(iter(wrong.values()))[0], errors=wrong)
        return proposal

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        if subject.base:
            return f"PostHog has a table {proposal['name']} already. Choose another name, or change that table."
        return ""

    def relevant(self, base: Facts) -> Any:
        return None

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        plain = [Row(LABELS[name], None, proposal[name]) for name in PLAIN]
        return [*plain, Row("Credential", None, in_words(proposal[KEYS]))]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        return Consequences([READS_BUCKET, SENT_ONCE])

    def cautions(self, subject: Subject, proposal: Facts) -> list[str]:
        return cautions_about(proposal["name"], subject.connection)

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        lost = ["The keys: to link the files again, somebody has to enter them anew."]
        return Inverse(ChangeRequest.Action.DELETE_TABLE, {}, lost)


class UpdateTable(TableAction):
    name = ChangeRequest.Action.UPDATE_TABLE
    kind = Mutation.Kind.UPDATE_TABLE
    fields = (*PLAIN, KEYS)
    label = "Change table"
    menu_label = "Change"
    icon = "pencil"
    binds_dependents = True
    has_cautions = True

    def clean(self, connection: Connection, values: Facts, view: Any) -> Facts:
        """Only what differs from what the mirror has is proposed: what is left alone is not written."""
        proposal = given(values, self.fields)
        if wrong := problems(connection, proposal, view):
            raise InvalidInput(next(iter(wrong.values()))[0], errors=wrong)
        kept = {name: value for name, value in proposal.items() if name == KEYS or value != getattr(view, name, None)}
        if not kept:
            told = "Nothing differs from what PostHog holds: change something, or enter new keys."
            raise InvalidInput(told, errors={"table": [told]})
        return kept

    def title(self, name: str, proposal: Facts) -> str:
        return f"Change table {name}"

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        same = all(proposal[name] == subject.base.get(name) for name in PLAIN if name in proposal)
        return "The table is so in PostHog already." if same and KEYS not in proposal else ""

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        rows = [Row(LABELS[name], subject.base.get(name), proposal[name]) for name in PLAIN if name in proposal]
        if KEYS in proposal:
            rows.append(Row("Credential", "as PostHog has it, never shown", in_words(proposal[KEYS])))
        return rows

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        if KEYS in proposal and subject.table is not None and not subject.table.has_credential:
            told = "The table has no credential in PostHog whose keys could be replaced."
            return Consequences(refusal=f"{told} Propose a new table with keys instead.")
        effects, breaks, lost = [NO_GUARD], [], []
        if names := subject.dependents:
            reads = f"{count(len(names), 'view')} {'reads' if len(names) == 1 else 'read'} it"
            if "name" in proposal:
                breaks.append(f"{reads} by its present name, which PostHog does not rewrite: {listed(names)}.")
            else:
                effects.append(f"{reads} and will find what is there then: {listed(names)}.")
        if {"format", "url_pattern"} & proposal.keys():
            effects.append("PostHog keeps the columns it knows; have them read anew where the files differ.")
        if KEYS in proposal:
            effects.append(SENT_ONCE)
            lost.append("The former keys: neither PostHog nor the portal shows them to anybody.")
        return Consequences(effects, breaks, lost)

    def cautions(self, subject: Subject, proposal: Facts) -> list[str]:
        if "name" not in proposal:
            return []
        return cautions_about(proposal["name"], subject.connection, besides=subject.table)

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        if subject.about and "name" in proposal:
            return impact.of_removal(subject.about, f"its name becomes {proposal['name']}")
        if subject.about and proposal.keys() & {"format", "url_pattern"}:
            return impact.of_doubt(subject.about, "It will read other files, of which nobody knows the columns yet.")
        return super().impact(subject, proposal)

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        former = {name: before.get(name) for name in PLAIN if name in proposal}
        if not former:
            return Inverse(impossible="Only keys were replaced, and the former ones were never known here.")
        if None in former.values():
            return Inverse(impossible="What PostHog held before was not recorded, so it cannot be restored.")
        lost = ["The former keys: enter them anew if they are to be back."] if KEYS in proposal else []
        return Inverse(ChangeRequest.Action.UPDATE_TABLE, former, lost)


class DeleteTable(TableAction):
    name = ChangeRequest.Action.DELETE_TABLE
    kind = Mutation.Kind.DELETE_TABLE
    label = "Delete table"
    menu_label = "Delete"
    icon = "trash"
    is_danger = True
    binds_dependents = True

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        return [Row("Table", subject.base.get("name") or subject.name, None)]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        effects = ["PostHog deletes the link to the files; the files in the bucket stay.", NO_GUARD]
        lost = [
            "The table: no rollback can make it again, as nobody has its keys. To link the files again, propose a new "
            "table and enter them. Its id, joins and column types are gone in any case."
        ]
        if not (names := subject.dependents):
            return Consequences(effects, lost=lost)
        told = f"{count(len(names), 'view')} {'reads' if len(names) == 1 else 'read'} it: {listed(names)}."
        return Consequences(effects, [f"{told} They fail at their next run; PostHog does not ask."], lost)

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        return impact.of_removal(subject.about, "it is deleted") if subject.about else None

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        why = (
            "A deleted table cannot be made again without its keys, which nobody has: propose a new table, enter them."
        )
        return Inverse(impossible=why)
