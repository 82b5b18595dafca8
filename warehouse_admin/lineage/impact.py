"""What a change of one view does to every view that reads it, however far away.

Those that read a changed column are read against the columns before and after; whoever reads those in turn, only where
their own columns change with it. What nobody can tell is said to be so, and never called safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from warehouse_admin.core.digests import text_digest
from warehouse_admin.lineage.catalog import Catalog, Trees
from warehouse_admin.lineage.columns import Column, Columns, mirrored, unknown
from warehouse_admin.lineage.downstream import MOST_VIEWS, Affected, Downstream
from warehouse_admin.lineage.grading import ORDER, ColumnChange, Grade, Verdict, compare, grade
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.resolve import Schema, resolve
from warehouse_admin.mirror.models import SavedQuery

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
    work.edit(before, after)
    return work.impact()


def of_removal(view: SavedQuery, why: str) -> Impact:
    """Of a view whose name goes away; `why` says how, for whoever reads it: "it is deleted"."""
    work = _Work(view)
    work.remove(why)
    return work.impact()


def unchanged(view: SavedQuery) -> Impact:
    """Of a change that leaves name and columns alone: who reads it, all of them safe."""
    return _Work(view).impact()


class _Work:
    """One question, with what was read for it."""

    def __init__(self, view: SavedQuery) -> None:
        self._view = view
        self._downstream = Downstream.of(view)
        self._catalog = Catalog(view.connection)
        self._changed: dict[str, tuple[Columns, Columns]] = {}
        self._columns: list[ColumnChange] = []
        self._notes: list[str] = []
        self._verdicts: dict[int, Verdict] = {}
        if self._downstream.is_cut:
            self._notes.append(f"Only the nearest {MOST_VIEWS:,} views downstream were looked at.")

    def edit(self, before: str, after: str) -> None:
        if before == after:
            return
        old_tree, new_tree = self._former(before), parse(after).tree
        if new_tree is None:
            self._everywhere(Grade.CANNOT_TELL, "The proposed SQL could not be analysed, so its columns are not known.")
            return
        listed = mirrored(self._view.name, self._view.columns)
        self._catalog.learn([*_names(old_tree), *_names(new_tree)])
        old = resolve(old_tree, self._catalog.columns).columns if old_tree else listed
        new = resolve(new_tree, self._catalog.columns).columns
        old, new = _filled(old, new, listed)
        self._columns, new = compare(old, new)
        if self._columns:
            self._changed[self._view.name] = old, new
            self._follow()

    def _former(self, text: str) -> dict[str, Any] | None:
        """The parsed text of the view; what lineage has read is not parsed again."""
        trees = Trees([self._view.pk])
        return trees.of(self._view) if trees.has(self._view, text_digest(text)) else parse(text).tree

    def remove(self, why: str) -> None:
        self._verdicts[self._view.pk] = Verdict(Grade.BREAKING, [f"It reads {self._view.name}: {why}."])
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
            reads = [self._downstream.views[key] for key in self._downstream.reads[step.view.pk]]
            verdict = self._graded(step.view, {one.name for one in reads} & self._changed.keys(), trees)
            for source in reads:
                self._pass_on(source, verdict)
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

    def _pass_on(self, source: SavedQuery, verdict: Verdict) -> None:
        """What becomes of whoever reads a view that itself fails, or of which nobody can tell."""
        given = self._verdicts.get(source.pk)
        if given is None or given.grade not in (Grade.BREAKING, Grade.CANNOT_TELL):
            return
        if source.pk == self._view.pk:
            verdict.worsen(given.grade, given.why[0])
        elif source.is_materialized:
            fails = "breaks" if given.grade == Grade.BREAKING else "may break"
            told = f"{source.name} {fails}; its table stays, and would not be renewed."
            verdict.worsen(Grade.RISKY, told)
        elif given.grade == Grade.BREAKING:
            verdict.worsen(Grade.BREAKING, f"It reads {source.name}, which breaks.")
        else:
            verdict.worsen(Grade.CANNOT_TELL, f"It reads {source.name}, of which nobody can tell.")


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
