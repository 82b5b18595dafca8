"""Writing SQL: a new view, or a new text for one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import texts
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
from warehouse_admin.changes.actions.names import cautions_about, problem_with
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.unseen import hidden_characters, visible
from warehouse_admin.lineage import impact
from warehouse_admin.lineage.checks import check_view_sql
from warehouse_admin.lineage.cycles import cycle
from warehouse_admin.lineage.impact import Impact
from warehouse_admin.lineage.unresolved import unresolved
from warehouse_admin.mirror.models import Observation, SavedQuery
from warehouse_admin.mutations.models import Mutation

UNCHANGED = "This is the text that PostHog holds already. Change it before you propose it."
RUNS_ONCE = "PostHog runs the query once to learn its columns; that can take a minute."


def unseen_edits(base: str, query: str) -> list[str]:
    """What of an edit a reader would not see but for our signs."""
    new = sorted(hidden_characters(query) - hidden_characters(base))
    said = []
    if new:
        signs = ", ".join(visible(character) for character in new[:5])
        said.append(f"It brings in characters that are not seen, or turn the writing around: {signs}.")
    if base != query and base.splitlines() == query.splitlines():
        said.append("Nothing but the ends of lines differs from what PostHog holds.")
    return said


def sql_problems(query: str, connection: Connection, name: str) -> list[str]:
    """What is wrong with the SQL of a view of this name: each with its place, or that it selects from itself."""
    found = [problem for problem in check_view_sql(query) if problem.level == "error"]
    if found:
        return [_placed(problem.message, problem.line, problem.column) for problem in found]
    told = circle(query, connection, name)
    return [told] if told else []


def circle(query: str, connection: Connection, name: str) -> str:
    """That a view of this name would read itself, in a sentence; empty where it would not."""
    way = cycle(connection, name, query)
    if not way:
        return ""
    if len(way) == 2:
        return f"With this SQL {name} reads itself, which PostHog refuses. Read something else."
    through = ", ".join(f"{view} reads {source}" for view, source in pairwise(way))
    told = f"With this SQL {name} reads itself through other views, which PostHog refuses"
    return f"{told}: {through}. Read something else, or change those first."


def unknown_sources(query: str, connection: Connection) -> list[str]:
    """That the query reads what the mirror does not know, if it does."""
    names = unresolved(connection, query)
    if not names:
        return []
    told = (
        f"The query reads {listed(names)}, which the mirror does not know as a view, a table or one of PostHog's own."
    )
    doubt = (
        "The mirror may be behind, or its key may not see everything: PostHog refuses the query if it knows no such "
    )
    return [f"{told} {doubt}{'table' if len(names) == 1 else 'tables'} either."]


def _placed(message: str, line: int, column: int) -> str:
    return message if f"line {line}" in message else f"Line {line}, column {column}: {message}"


class EditQuery(Action):
    name = ChangeRequest.Action.EDIT_QUERY
    kind = Mutation.Kind.EDIT_QUERY
    did = Observation.Kind.EDITED
    fields = ("query",)
    label = "Edit"
    has_sql = True
    has_cautions = True

    def clean(self, connection: Connection, values: Facts, view: SavedQuery | None) -> Facts:
        required(values, "query")
        if problems := sql_problems(values["query"], connection, view.name if view else ""):
            raise InvalidInput(problems[0], errors={"query": problems})
        return {"query": values["query"]}

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        return UNCHANGED if proposal["query"] == (subject.base.get("query") or "") else ""

    def seen(self, base: Facts) -> str:
        return text_digest(base.get("query") or "")

    def relevant(self, base: Facts) -> Any:
        return base.get("query") or ""

    def moved(self, base: Facts, now: Facts) -> str:
        return "PostHog holds another text by now."

    def meaning(self, base: Facts, proposal: Facts) -> str:
        return texts.meaning_digest(base.get("query") or "", proposal["query"])

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        effects = [RUNS_ONCE]
        if subject.is_materialized:
            effects.append("It is materialized: its table keeps the old rows until its next run.")
        if subject.dependents:
            effects.append(f"{count(len(subject.dependents), 'view')} will read the new result.")
        lost = ["The rows of its table, until its next run."] if subject.is_materialized else []
        return Consequences(effects, lost=lost)

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        before = subject.base.get("query") or ""
        return impact.of_edit(subject.view, before, proposal["query"]) if subject.view else None

    def cautions(self, subject: Subject, proposal: Facts) -> list[str]:
        base, query = subject.base.get("query") or "", proposal["query"]
        return [*unseen_edits(base, query), *unknown_sources(query, subject.connection)]

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        if before.get("query") is None:
            return Inverse(impossible="What PostHog held before was not recorded, so it cannot be restored.")
        lost = (
            ["The rows of its table: they stay as they are until its next run."]
            if before.get("is_materialized")
            else []
        )
        return Inverse(ChangeRequest.Action.EDIT_QUERY, {"query": before["query"]}, lost)


class CreateView(Action):
    name = ChangeRequest.Action.CREATE_VIEW
    kind = Mutation.Kind.CREATE_VIEW
    makes = True
    did = Observation.Kind.CREATED
    fields = ("name", "query")
    label = "Create"
    icon = "plus"
    has_sql = True
    has_cautions = True
    looks_first = "The name is looked up in PostHog first; nothing is made if something has it by now."

    def clean(self, connection: Connection, values: Facts, view: SavedQuery | None) -> Facts:
        required(values, "name", "query")
        name, problems = str(values["name"]).strip(), {}
        if wrong := problem_with(name, connection):
            problems["name"] = [wrong]
        if found := sql_problems(values["query"], connection, name):
            problems["query"] = found
        if problems:
            raise InvalidInput(next(iter(problems.values()))[0], errors=problems)
        return {"name": name, "query": values["query"]}

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        if subject.base:
            return f"PostHog has a view {proposal['name']} already. Choose another name, or edit that view."
        return ""

    def meaning(self, base: Facts, proposal: Facts) -> str:
        return text_digest(f"create\0{proposal['name']}\0{texts.meaning_digest('', proposal['query'])}")

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        return [Row("Name", None, proposal["name"])]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        effects = [RUNS_ONCE, "It is a plain view: no table and no schedule before it is materialized."]
        if subject.generation in ("A", "B", "C"):
            held = "A view of this name that somebody hid in PostHog still holds the name: then PostHog refuses it."
            effects.append(held)
        return Consequences(effects)

    def cautions(self, subject: Subject, proposal: Facts) -> list[str]:
        about = cautions_about(proposal["name"], subject.connection)
        return [*about, *unseen_edits("", proposal["query"]), *unknown_sources(proposal["query"], subject.connection)]

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        breaking = ["Views that select from it by then: they break at their next run."]
        return Inverse(ChangeRequest.Action.DELETE, {}, [] if generation in ("C", "D") else breaking)
