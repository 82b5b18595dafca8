"""What a name means at a place of a query, as PostHog decides it.

An alias of the SELECT goes before a column; a name that two of the tables have is an error unless USING joins on it; a
name that none of them has is looked for in the query around.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from warehouse_admin.lineage.columns import Column, Columns, mark_of

PROPERTIES = "properties"

Fault = Literal["", "missing", "ambiguous"]


@dataclass(frozen=True)
class Source:
    """One thing in FROM or JOIN: the names it can be called by before a dot, its name for people, and its columns."""

    labels: frozenset[tuple[str, ...]]
    name: str
    columns: Columns


@dataclass(frozen=True)
class Meaning:
    """What a name stands for. `target` is `table.column`, also for a property of the column.

    `certain`: the column is listed, it is not only that nobody has listed what the table has. `is_outer`: a subquery
    would have it from the query around, where PostHog does not look. `is_computed`: a subquery uses what WITH computes
    from columns, whose names may mean others in there.
    """

    column: Column
    target: str
    fault: Fault = ""
    certain: bool = True
    is_outer: bool = False
    is_computed: bool = False


@dataclass
class Scope:
    """The names that one SELECT knows."""

    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    aliases: dict[str, Column] = field(default_factory=dict)
    joined_on: set[str] = field(default_factory=set)
    """Columns that USING makes one of."""
    values: set[str] = field(default_factory=set)
    """Those of the aliases that WITH gives, which subqueries know too."""
    computed: set[str] = field(default_factory=set)
    """The same, where it depends on columns: in a subquery these may be other ones."""
    is_lambda: bool = False
    """Whether it is a lambda, in which everything around is known."""

    def meaning(self, chain: list[str]) -> Meaning:
        """What a dotted name means here; with a fault where PostHog would refuse it."""
        found = self._qualified(chain) or self._plain(chain)
        if found is not None:
            return found
        name = ".".join(chain)
        return Meaning(Column(chain[-1], mark=f"?{name}"), f"?{name}", fault="missing")

    def source_called(self, chain: list[str]) -> tuple[Source, int] | None:
        """The source that the beginning of the chain is a name of, and how many parts of the chain that takes."""
        scope: Scope | None = self
        while scope is not None:
            for source in scope.sources:
                for label in source.labels:
                    if tuple(chain[: len(label)]) == label and len(chain) > len(label):
                        return source, len(label)
            scope = scope.parent
        return None

    def _qualified(self, chain: list[str]) -> Meaning | None:
        called = self.source_called(chain)
        if called is None:
            return None
        source, taken = called
        name, path = chain[taken], tuple(chain[taken + 1 :])
        column = source.columns.named.get(name)
        target = f"{source.name}.{name}"
        if column is not None:
            return _with_path(column, target, path)
        if source.columns.may_have(name):
            return _with_path(Column(name, mark=source.columns.unlisted(name)), target, path, certain=False)
        return Meaning(Column(name, mark=f"?{target}"), target, "missing")

    def _plain(self, chain: list[str]) -> Meaning | None:
        name, path = chain[0], tuple(chain[1:])
        scope: Scope | None = self
        is_outer = False
        while scope is not None:
            if name in scope.aliases:
                found = _with_path(scope.aliases[name], name, path)
                if is_outer and name in scope.computed:
                    return replace(found, is_computed=True)
                return replace(found, is_outer=is_outer and name not in scope.values)
            if (of_source := scope._of_sources(name, path)) is not None:
                return replace(of_source, is_outer=is_outer)
            is_outer = is_outer or not scope.is_lambda
            scope = scope.parent
        return None

    def _of_sources(self, name: str, path: tuple[str, ...]) -> Meaning | None:
        holding = [source for source in self.sources if name in source.columns.named]
        if holding:
            target = f"{holding[0].name}.{name}"
            found = _with_path(holding[0].columns.named[name], target, path)
            if len(holding) == 1 or name in self.joined_on:
                return found
            return Meaning(found.column, _either(holding, name), "ambiguous")
        perhaps = [source for source in self.sources if source.columns.may_have(name)]
        if not perhaps:
            return None
        mark = mark_of(*(source.columns.unlisted(name) for source in perhaps))
        return _with_path(Column(name, mark=mark), _either(perhaps, name), path, certain=False)


def _either(sources: list[Source], name: str) -> str:
    return " or ".join(f"{one.name}.{name}" for one in sources)


def _with_path(column: Column, target: str, path: tuple[str, ...], *, certain: bool = True) -> Meaning:
    if path:
        column = Column(_property_name(column.name, path, certain), mark=mark_of(column.mark, *path))
    return Meaning(column, target, certain=certain)


def _property_name(column: str, path: tuple[str, ...], certain: bool) -> str:
    """PostHog names a nested property by its whole path; what is not listed may also be a join that it adds."""
    if certain or column == PROPERTIES:
        return "__".join(path)
    if PROPERTIES in path[:-1]:
        return "__".join(path[path.index(PROPERTIES) + 1 :])
    return path[-1]
