"""What a change of one view or table does to every view that reads it, however far away.

Those that read a changed column are read against the columns before and after; whoever reads those in turn, only where
their own columns change with it. What nobody can tell is said to be so, and never called safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from warehouse_admin.core.digests import text_digest
from warehouse_admin.lineage.catalog import Catalog, Trees
from warehouse_admin.lineage.columns import Column, Columns, mirrored, unknown
from warehouse_admin.lineage.downstream import MOST_VIEWS, ROOT, Affected, Downstream
from warehouse_admin.lineage.grading import ORDER, ColumnChange, Grade, Verdict, compare, grade
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.resolve import Schema, resolve
from warehouse_admin.lineage.value_types import family
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

MOST_TOLD = 500


@dataclass
class Impact:
    """What becomes of the view's own columns, and of everything downstream, worst first."""

    columns: list[ColumnChange] = field(default_factory=list)
    affected: list[Affected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What about this answer is not certain, in sentences."""

    @property
    def grade(self) -> Grade:
        """The worst of all."""
        return max((one.grade for one in self.affected), key=ORDER.index, default=Grade.SAFE)

    def as_dict(self) -> dict[str, Any]:
        """As revisions keep it and the API gives it."""
        return {
            "grade": str(self.grade),
            "columns": [_column_dict(one) for one in self.columns],
            "dependents": [_affected_dict(one) for one in self.affected[:MOST_TOLD]],
            "counts": {str(name): sum(one.grade == name for one in self.affected) for name in reversed(ORDER)},
            "notes": self.notes,
        }


def of_edit(view: SavedQuery, before: str, after: str) -> Impact:
    """Of another text for a view."""
    work = _Work(view)
    work.edit(view, before, after)
    return work.impact()


def of_removal(thing: SavedQuery | WarehouseTable, why: str) -> Impact:
    """Of a view or table whose name goes away; `why` says how, for whoever reads it: "it is deleted"."""
    work = _Work(thing)
    work.doom(Grade.BREAKING, f"It reads {thing.name}: {why}.")
    return work.impact()


def of_doubt(thing: SavedQuery | WarehouseTable, why: str) -> Impact:
    """Of a change of which nobody knows what columns come of it; `why` is a sentence."""
    work = _Work(thing)
    work.doom(Grade.CANNOT_TELL, why)
    return work.impact()


def of_types(table: WarehouseTable, types: dict[str, str]) -> Impact:
    """Of a table of which these columns get these types."""
    work = _Work(table)
    work.retype(types)
    return work.impact()


def unchanged(thing: SavedQuery | WarehouseTable) -> Impact:
    """Of a change that leaves name and columns alone: who reads it, all of them safe."""
    return _Work(thing).impact()


class _Work:
    """One question, with what was read for it."""

    def __init__(self, thing: SavedQuery | WarehouseTable) -> None:
        self._name = thing.name
        self._listed = mirrored(thing.name, thing.columns)
        self._downstream = Downstream.of(thing)
        self._catalog = Catalog(thing.connection)
        self._changed: dict[str, tuple[Columns, Columns]] = {}
        self._columns: list[ColumnChange] = []
        self._notes: list[str] = []
        self._verdicts: dict[int, Verdict] = {}
        if self._downstream.is_cut:
            self._notes.append(f"Only the nearest {MOST_VIEWS:,} views downstream were looked at.")

    def edit(self, view: SavedQuery, before: str, after: str) -> None:
        if before == after:
            return
        old_tree, new_tree = _former(view, before), parse(after).tree
        if new_tree is None:
            self._everywhere(Grade.CANNOT_TELL, "The proposed SQL could not be analysed, so its columns are not known.")
            return
        self._catalog.learn([*_names(old_tree), *_names(new_tree)])
        old = resolve(old_tree, self._catalog.columns).columns if old_tree else self._listed
        new = resolve(new_tree, self._catalog.columns).columns
        self._compare(*_filled(old, new, self._listed))

    def retype(self, types: dict[str, str]) -> None:
        parts = [
            replace(part, type=family(types[part.name]), mark=f"{part.mark} as {types[part.name]}")
            if isinstance(part, Column) and part.name in types
            else part
            for part in self._listed
        ]
        self._compare(self._listed, Columns(tuple(parts)))

    def _compare(self, old: Columns, new: Columns) -> None:
        self._columns, new = compare(old, new)
        if self._columns:
            self._changed[self._name] = old, new
            self._follow()

    def doom(self, bad: Grade, why: str) -> None:
        """The same for all that read it."""
        self._verdicts[ROOT] = Verdict(bad, [why])
        self._follow()

    def impact(self) -> Impact:
        found = []
        for step in self._downstream.steps:
            verdict = self._verdicts.get(step.view.pk, Verdict())
            found.append(replace(step, grade=verdict.grade, why=verdict.why, columns=verdict.columns))
        found.sort(key=lambda one: (-ORDER.index(one.grade), one.depth, one.view.name))
        return Impact(self._columns, found, self._notes)

    def _everywhere(self, bad: Grade, why: str) -> None:
        for step in self._downstream.steps:
            self._verdicts[step.view.pk] = Verdict(bad, [why])

    def _follow(self) -> None:
        """From the view outward: each view after everything of these that it reads."""
        trees = Trees([step.view.pk for step in self._downstream.steps])
        self._catalog.learn_sources_of([step.view.pk for step in self._downstream.steps])
        for step in self._downstream.in_order():
            reads = self._downstream.reads[step.view.pk]
            names = {self._downstream.sources[key].name for key in reads}
            verdict = self._graded(step.view, names & self._changed.keys(), trees)
            for key in reads:
                self._pass_on(key, verdict)
            self._verdicts[step.view.pk] = verdict
            if verdict.columns and verdict.grade != Grade.BREAKING:
                self._changed[step.view.name] = verdict.before, verdict.after

    def _graded(self, view: SavedQuery, changed: set[str], trees: Trees) -> Verdict:
        if not changed:
            return Verdict()
        return grade(trees.of(view), self._schema(0), self._schema(1), changed)

    def _schema(self, side: int) -> Schema:
        """The columns of a name before (0) or after (1) the change."""

        def columns(name: str) -> Columns:
            return self._changed[name][side] if name in self._changed else self._catalog.columns(name)

        return columns

    def _pass_on(self, key: int, verdict: Verdict) -> None:
        """What becomes of whoever reads something that itself fails, or of which nobody can tell."""
        given, source = self._verdicts.get(key), self._downstream.sources[key]
        if given is None or (given.grade not in (Grade.BREAKING, Grade.CANNOT_TELL) and not given.is_stale):
            return
        if key == ROOT:
            verdict.worsen(given.grade, given.why[0])
        elif given.grade not in (Grade.BREAKING, Grade.CANNOT_TELL):
            verdict.worsen(Grade.RISKY, f"It reads {source.name}, whose rows would be old ones.")
            verdict.is_stale = True
        elif isinstance(source, SavedQuery) and source.is_materialized:
            fails = "breaks" if given.grade == Grade.BREAKING else "may break"
            told = f"{source.name} {fails}; its table stays, and would not be renewed."
            verdict.worsen(Grade.RISKY, told)
            verdict.is_stale = True
        elif given.grade == Grade.BREAKING:
            verdict.worsen(Grade.BREAKING, f"It reads {source.name}, which breaks.")
        else:
            verdict.worsen(Grade.CANNOT_TELL, f"It reads {source.name}, of which nobody can tell.")


def _former(view: SavedQuery, text: str) -> dict[str, Any] | None:
    """The parsed text of a view; what lineage has read is not parsed again."""
    trees = Trees([view.pk])
    return trees.of(view) if trees.has(view, text_digest(text)) else parse(text).tree


def _names(tree: dict[str, Any] | None) -> set[str]:
    return resolve(tree, unknown).sources if tree else set()


def _filled(old: Columns, new: Columns, listed: Columns) -> tuple[Columns, Columns]:
    """With the types that PostHog lists for the view, and its columns in place of one `*` of which nothing is known."""
    types = {name: column.type for name, column in listed.named.items()}
    if len(old.rests) == 1 and types:
        source = old.rests[0].source
        names = [name for name in types if name not in old.named]
        rest = {source: tuple(Column(name, types[name], Columns(old.rests).unlisted(name)) for name in names)}
        old, new = old.filled(rest), new.filled(rest)
    parts = [
        replace(part, type=types.get(part.name) or part.type) if isinstance(part, Column) else part for part in old
    ]
    return Columns(tuple(parts)), new


def _column_dict(one: ColumnChange) -> dict[str, str]:
    return {"name": one.name, "change": str(one.change), "before": one.before, "after": one.after}


def _affected_dict(one: Affected) -> dict[str, Any]:
    return {
        "id": str(one.view.posthog_id),
        "name": one.view.name,
        "kind": "materialized_view" if one.view.is_materialized else "view",
        "via": one.via,
        "depth": one.depth,
        "grade": str(one.grade),
        "why": one.why,
        "columns": [_column_dict(column) for column in one.columns],
    }
