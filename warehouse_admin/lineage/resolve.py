"""What every name in a query means, and which columns the query gives, for columns of its sources that are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from warehouse_admin.lineage import value_types
from warehouse_admin.lineage.columns import UNNAMED, Column, Columns, Rest, mark_of, unknown
from warehouse_admin.lineage.scopes import Meaning, Scope, Source

Node = dict[str, Any]
Schema = Callable[[str], Columns]
"""The columns of a table or view by its dotted name."""

_PARTS_OF_SELECT = frozenset({"node", "start", "end", "ctes", "select", "select_from", "array_join_list"})
_PARTS_OF_SET = frozenset({"node", "start", "end", "initial_select_query", "subsequent_select_queries"})
"""What is read in an order of its own; everything else in a query is read after it, so that no clause is left out."""

UNION, VALUE, RENAMED = "a part of a UNION", "a subquery used as a value", "a list of column names"
"""What makes columns count by their place."""
ROWS = "what makes rows the same"
"""What makes columns count by how many there are: DISTINCT and its like."""

_NO_WIDTH = frozenset({"exists", "notExists"})
_BOOLEANS = frozenset({"CompareOperation", "And", "Or", "Not", "BetweenExpr", "IsDistinctFrom"})
_PLAIN_PATTERN = re.compile(r"\^?\w{1,100}(?:\|\w{1,100}){0,20}\$?", re.ASCII)
"""Others can take a very long time to try, and are another dialect in PostHog."""


@dataclass(frozen=True)
class Use:
    """A name in the text, by its place, with what it means there; of a star, everything that it stands for."""

    at: int
    text: str
    meaning: Meaning


@dataclass
class Resolved:
    """A query read against the columns of its sources."""

    columns: Columns = field(default_factory=Columns)
    uses: list[Use] = field(default_factory=list)
    faults: dict[tuple[int, str], str] = field(default_factory=dict)
    """Sentences by place and kind: why PostHog would refuse the query."""
    by_place: dict[tuple[int, str], Columns] = field(default_factory=dict)
    """Columns that count by their place, by the place in the text and what makes them count so."""
    unclear: list[str] = field(default_factory=list)
    """What could not be followed, in sentences."""
    sources: set[str] = field(default_factory=set)


def resolve(tree: Node, schema: Schema) -> Resolved:
    """Read a parsed query. Never raises for what the query says; a query nested too deeply is unclear."""
    found = Resolved()
    try:
        found.columns = _Reader(schema, found).query(tree, {}, None)
    except RecursionError:
        found.unclear.append("It is nested too deeply to be followed.")
        found.columns = unknown("a query nested too deeply")
    return found


class _Reader:
    def __init__(self, schema: Schema, found: Resolved) -> None:
        self._schema, self._found = schema, found

    def query(self, node: Node, ctes: dict[str, Columns], parent: Scope | None) -> Columns:
        """The columns of a SELECT, or of several put together."""
        if node.get("node") == "SelectSetQuery":
            return self._set(node, ctes, parent)
        if node.get("node") != "SelectQuery":
            self._found.unclear.append("A part of it is a placeholder or a tag.")
            return unknown(f"{node.get('node')} at {_at(node)}")
        return self._select(node, ctes, parent)[0]

    def _set(self, node: Node, ctes: dict[str, Columns], parent: Scope | None) -> Columns:
        first_node = node["initial_select_query"]
        if first_node.get("node") == "SelectQuery":
            first, ctes = self._select(first_node, ctes, parent)
        else:
            first = self.query(first_node, ctes, parent)
        branches = [first]
        self._found.by_place[_at(first_node), UNION] = first
        for later in node["subsequent_select_queries"]:
            branch = self.query(later["select_query"], ctes, parent)
            branches.append(branch)
            self._found.by_place[_at(later["select_query"]), UNION] = branch
            if not _by_name(later) and None not in (first.width, branch.width) and first.width != branch.width:
                kind = later.get("set_operator", "UNION")
                told = f"The parts of a {kind} give {first.width} and {branch.width} columns."
                self._fault(_at(later["select_query"]), "width", told)
        if any(later.get("set_operator") != "UNION ALL" for later in node["subsequent_select_queries"]):
            self._found.by_place[_at(node), ROWS] = first
        if any(_by_name(later) for later in node["subsequent_select_queries"]):
            self._found.unclear.append("It puts queries together by the names of their columns, not by their order.")
            columns = unknown(f"{UNION} at {_at(node)}")
        else:
            columns = _put_together(branches)
        whole = Scope(parent, [Source(frozenset(), "the whole of it", columns)])
        self._rest(node, _PARTS_OF_SET, columns, whole, ctes)
        return columns

    def _select(self, node: Node, ctes: dict[str, Columns], parent: Scope | None) -> tuple[Columns, dict[str, Columns]]:
        scope, ctes = Scope(parent), dict(ctes)
        values = []
        for cte in node.get("ctes") or []:
            if cte.get("cte_type") == "subquery":
                ctes[cte["name"]] = self._cte(cte, ctes)
            else:
                values.append(cte)
        self._from(node.get("select_from"), scope, ctes)
        for cte in values:
            scope.aliases[cte["name"]] = replace(self._value(cte["expr"], scope, ctes), name=str(cte["name"]))
            (scope.computed if _reads_columns(cte["expr"]) else scope.values).add(cte["name"])
        for item in node.get("array_join_list") or []:
            joined = self._alias(item, scope, ctes)
            scope.aliases[joined.name] = Column(joined.name, mark=mark_of("each", joined.mark))
        columns = Columns(tuple(self._selected(node["select"], scope, ctes)))
        if node.get("distinct") or node.get("group_by_mode") == "all":
            self._found.by_place[_at(node), ROWS] = columns
        self._rest(node, _PARTS_OF_SELECT, columns, scope, ctes)
        return columns, ctes

    def _rest(self, node: Node, done: frozenset[str], columns: Columns, scope: Scope, ctes: dict[str, Columns]) -> None:
        """The clauses that can name what is selected."""
        for name, value in node.items():
            if name not in done and value is not None:
                self._positions(name, value, columns)
                self._value(value, scope, ctes)

    def _cte(self, cte: Node, ctes: dict[str, Columns]) -> Columns:
        inside = dict(ctes)
        if cte.get("recursive"):
            first = cte["expr"]
            while first.get("node") == "SelectSetQuery":
                first = first["initial_select_query"]
            inside[cte["name"]] = _Reader(self._schema, Resolved()).query(first, ctes, None)
            if cte.get("columns"):
                inside[cte["name"]] = inside[cte["name"]].renamed(cte["columns"])
        columns = self.query(cte["expr"], inside, None)
        return self._renamed(columns, cte.get("columns"), str(cte["name"]), _at(cte["expr"]))

    def _from(self, holder: Node | None, scope: Scope, ctes: dict[str, Columns]) -> None:
        """Every source first, since a condition of a join may name any before it; then the conditions."""
        constraints = []
        while holder is not None:
            source = self._source(holder, scope, ctes)
            constraint = holder.get("constraint")
            if constraint is not None and constraint.get("constraint_type") == "USING":
                self._using(constraint["expr"], source, scope)
            elif constraint is not None:
                constraints.append(constraint)
            scope.sources.append(source)
            for part in (holder.get("table_args"), holder.get("sample")):
                if part is not None:
                    constraints.append(part)
            holder = holder.get("next_join")
        for constraint in constraints:
            self._value(constraint, scope, ctes)

    def _source(self, holder: Node, scope: Scope, ctes: dict[str, Columns]) -> Source:
        table, alias = holder.get("table") or {}, holder.get("alias")
        labels: set[tuple[str, ...]] = {(alias,)} if alias else set()
        if table.get("node") == "Field":
            chain = [str(part) for part in table["chain"]]
            name = ".".join(chain)
            if holder.get("table_args") is not None:
                columns = unknown(f"{name}()")
            elif len(chain) == 1 and name in ctes:
                columns = ctes[name]
            else:
                columns = self._schema(name)
                self._found.sources.add(name)
            if not alias:
                labels = {tuple(chain), (chain[-1],), ("__".join(chain),)}
        elif table.get("node") in ("SelectQuery", "SelectSetQuery"):
            name = alias or "a subquery"
            columns = self.query(table, ctes, scope.parent)
        else:
            name = alias or "a table that is made up"
            columns = self._opaque(table)
        columns = self._renamed(columns, holder.get("column_aliases"), name, _at(table))
        return Source(frozenset(labels), name, columns)

    def _renamed(self, columns: Columns, names: list[str] | None, source: str, at: int) -> Columns:
        """The columns under the names that are given for them by place, if there are any."""
        if not names:
            return columns
        self._found.by_place[at, RENAMED] = columns
        if columns.width is not None and columns.width != len(names):
            told = f"{source} gives {columns.width} columns, and {len(names)} names are given for them."
            self._fault(at, "width", told)
        return columns.renamed(names)

    def _opaque(self, table: Node) -> Columns:
        if table.get("node") == "ValuesQuery":
            rows = [[self._value(item, Scope(), {}) for item in row] for row in table["rows"]]
            return Columns(tuple(rows[0])) if rows else Columns()
        kind = str(table.get("node", "")).removesuffix("Expr").upper()
        self._found.unclear.append(f"It reads through a {kind.lower() if kind not in ('PIVOT', 'UNPIVOT') else kind}.")
        for name in _tables_inside(table):
            self._found.sources.add(name)
        return unknown(f"{kind} at {_at(table)}")

    def _using(self, node: Node, source: Source, scope: Scope) -> None:
        """Columns that both sides of a join need."""
        for item in _fields(node):
            name = str(item["chain"][-1])
            scope.joined_on.add(name)
            left = Scope(sources=scope.sources, joined_on=scope.joined_on)
            for side in (left, Scope(sources=[source])):
                self._use(item, side.meaning([name]), extra=0 if side is left else 1)

    def _alias(self, item: Node, scope: Scope, ctes: dict[str, Columns]) -> Column:
        """A value with the name it gets, which is known from here on."""
        value = self._value(item["expr"] if item.get("node") == "Alias" else item, scope, ctes)
        if item.get("node") == "Alias":
            value = replace(value, name=str(item["alias"]))
            scope.aliases[value.name] = value
        return value

    def _selected(self, items: list[Node], scope: Scope, ctes: dict[str, Columns]) -> Iterator[Column | Rest]:
        for item in items:
            if item.get("node") == "ColumnsExpr":
                yield from self._several(item, scope, ctes)
            elif item.get("node") == "Field" and item["chain"][-1] == "*":
                yield from self._star(item, scope)
            elif item.get("node") == "Field":
                yield self._alias(item, scope, ctes)
            elif item.get("node") == "PositionalRef":
                yield self._value(item, scope, ctes)
            elif item.get("node") == "Alias":
                yield self._alias(item, scope, ctes)
            else:
                yield replace(self._alias(item, scope, ctes), name=UNNAMED)

    def _star(self, item: Node, scope: Scope) -> tuple[Column | Rest, ...]:
        chain = [str(part) for part in item["chain"]]
        if len(chain) == 1:
            return tuple(part for source in scope.sources for part in source.columns)
        called = scope.source_called(chain)
        if called is None:
            self._fault(_at(item), "missing", f"{'.'.join(chain)} names nothing that it reads.")
            return (Rest(".".join(chain)),)
        return called[0].columns.parts

    def _several(self, item: Node, scope: Scope, ctes: dict[str, Columns]) -> Iterator[Column | Rest]:
        """`COLUMNS(…)` and `* EXCLUDE (…)`."""
        if item.get("columns"):
            yield from self._selected(item["columns"], scope, ctes)
            return
        everything = Columns(tuple(part for source in scope.sources for part in source.columns))
        if item.get("all_columns"):
            yield from everything.without(frozenset(str(name) for name in item.get("exclude") or []))
            return
        pattern = str(item.get("regex"))
        if not _PLAIN_PATTERN.fullmatch(pattern):
            self._found.unclear.append("It chooses columns by a pattern that is not followed here.")
            yield from everything
            return
        for part in everything:
            if isinstance(part, Rest) or re.search(pattern, part.name):
                yield part

    def _value(self, node: Any, scope: Scope, ctes: dict[str, Columns]) -> Column:
        """An expression: its mark and, where it can be told, its type. Everything in it is read."""
        if isinstance(node, list):
            return Column(UNNAMED, mark=mark_of(*(self._value(item, scope, ctes).mark for item in node)))
        if not isinstance(node, dict):
            return Column(UNNAMED, mark=repr(node))
        kind = node.get("node")
        if kind == "Field":
            return self._field(node, scope)
        if kind in ("SelectQuery", "SelectSetQuery"):
            return self._subquery(node, scope, ctes)
        if kind == "Lambda":
            return self._lambda(node, scope, ctes)
        if kind == "Alias":
            return self._alias(node, scope, ctes)
        if kind == "PositionalRef":
            return self._nth(node, scope)
        if kind == "Placeholder":
            return Column(UNNAMED, mark=f"placeholder at {_at(node)}")
        if kind == "Constant":
            return Column(UNNAMED, value_types.of_constant(node.get("value")), repr(node.get("value")))
        return self._compound(node, scope, ctes)

    def _field(self, node: Node, scope: Scope) -> Column:
        chain = [str(part) for part in node["chain"]]
        if chain[-1] == "*":
            mark = mark_of("*", Columns(self._star(node, scope)).describe())
            column = Column(UNNAMED, mark=mark)
            self._found.uses.append(Use(_at(node) * 2, "*", Meaning(column, mark)))
            return column
        meaning = scope.meaning(chain)
        self._use(node, meaning)
        return meaning.column

    def _nth(self, node: Node, scope: Scope) -> Column:
        """`#2` is the second column of what is read."""
        number, at = int(node["index"]), _at(node)
        everything = Columns(tuple(part for source in scope.sources for part in source.columns))
        before = everything.parts[:number]
        listed = [part for part in before if isinstance(part, Column)]
        column = Column(UNNAMED, mark=mark_of("#", str(number), Columns(before).describe()))
        if everything.width is not None and not 0 < number <= everything.width:
            self._fault(at * 2, "missing", f"“#{number}” is not there any more.")
        if listed and len(listed) == number:
            column = listed[-1]
        self._found.uses.append(Use(at * 2, f"#{number}", Meaning(column, f"column {number}, {column.name}")))
        return column

    def _use(self, node: Node, meaning: Meaning, extra: int = 0) -> None:
        text = ".".join(str(part) for part in node["chain"])
        at = _at(node)
        self._found.uses.append(Use(at * 2 + extra, text, meaning))
        if meaning.is_computed:
            self._found.unclear.append(f"A subquery uses “{text}”, which WITH computes from columns.")
        if meaning.fault == "missing":
            self._fault(at * 2 + extra, "missing", f"“{text}” is not there any more.")
        elif meaning.fault == "ambiguous":
            self._fault(at * 2 + extra, "ambiguous", f"“{text}” could be {meaning.target}, which PostHog refuses.")

    def _subquery(self, node: Node, scope: Scope, ctes: dict[str, Columns]) -> Column:
        columns = self.query(node, ctes, scope)
        self._found.by_place[_at(node), VALUE] = columns
        first = columns.parts[0] if columns.width == 1 else None
        kind = first.type if isinstance(first, Column) else ""
        return Column(UNNAMED, kind, mark_of("subquery", columns.describe()))

    def _lambda(self, node: Node, scope: Scope, ctes: dict[str, Columns]) -> Column:
        inside = Scope(scope, is_lambda=True)
        inside.aliases.update({str(name): Column(str(name), mark=f"λ{name}") for name in node.get("args") or []})
        return Column(UNNAMED, mark=mark_of("lambda", self._value(node.get("expr"), inside, ctes).mark))

    def _compound(self, node: Node, scope: Scope, ctes: dict[str, Columns]) -> Column:
        kind = str(node.get("node", ""))
        parts: dict[str, Column] = {}
        arguments: list[Column] = []
        for key, value in node.items():
            if key in ("node", "start", "end") or value is None:
                continue
            if kind == "Call" and key == "args" and _counts_rows(node):
                continue  # it counts rows, whatever their columns
            if key in ("args", "exprs") and isinstance(value, list):
                arguments = [self._value(item, scope, ctes) for item in value]
                parts[key] = Column(UNNAMED, mark=mark_of(*(item.mark for item in arguments)))
            else:
                parts[key] = self._value(value, scope, ctes)
        if kind == "Call" and node.get("name") in _NO_WIDTH:
            for item in node.get("args") or []:
                self._found.by_place.pop((_at(item), VALUE), None)
        mark = mark_of(kind, *(f"{key}={part.mark}" for key, part in sorted(parts.items())))
        return Column(UNNAMED, _type_of(node, parts, arguments), mark)

    def _positions(self, clause: str, value: Any, columns: Columns) -> None:
        """`ORDER BY 2` means a column of the SELECT by its place."""
        if clause not in ("group_by", "order_by", "limit_by"):
            return
        for item in value.get("exprs") or [] if isinstance(value, dict) else value:
            constant = item.get("expr", item) if item.get("node") == "OrderExpr" else item
            number = constant.get("value") if constant.get("node") == "Constant" else None
            if type(number) is int and 0 < abs(number) <= len(columns.parts):
                # One below nothing counts from the end, and means another column when there are more of them.
                before = columns.parts[: number if number > 0 else len(columns.parts) + 1 + number]
                certain = all(isinstance(part, Column) for part in before)
                name, column = Columns(before).describe(), before[-1]
                if certain and isinstance(column, Column):
                    meaning = Meaning(column, f"column {number}, {column.name}")
                else:
                    meaning = Meaning(Column(str(number), mark=mark_of(name)), f"column {number}, {name}")
                self._found.uses.append(Use(_at(constant) * 2, str(number), meaning))

    def _fault(self, at: int, kind: str, told: str) -> None:
        self._found.faults[at, kind] = told


def _type_of(node: Node, parts: dict[str, Column], arguments: list[Column]) -> str:
    kind = node.get("node")
    if kind in _BOOLEANS:
        return "boolean"
    if kind in ("Call", "WindowFunction"):
        return value_types.of_call(str(node.get("name")), [one.type for one in arguments])
    if kind == "TypeCast":
        return value_types.family(str(node.get("type_name")))
    if kind == "ArithmeticOperation":
        return value_types.of_arithmetic(str(node.get("op")), parts["left"].type, parts["right"].type)
    return {"Array": "array", "Tuple": "tuple"}.get(str(kind), "")


def _put_together(branches: list[Columns]) -> Columns:
    """The columns of a UNION: named by the first, computed by all."""
    first = branches[0]
    if any(branch.is_open or branch.width != first.width for branch in branches):
        return first if len({branch.describe() for branch in branches}) == 1 else _mixed(branches)
    together = []
    for column, *others in zip(*(branch.parts for branch in branches), strict=True):
        if isinstance(column, Column):
            kinds = {column.type, *(one.type for one in others if isinstance(one, Column))}
            marks = [one.mark for one in (column, *others) if isinstance(one, Column)]
            together.append(Column(column.name, kinds.pop() if len(kinds) == 1 else "", mark_of(*marks)))
    return Columns(tuple(together))


def _mixed(branches: list[Columns]) -> Columns:
    """Which column goes with which is not known: any of them may have changed when one has."""
    mark = mark_of(*(branch.describe() for branch in branches))
    parts = branches[0].parts
    return Columns(
        tuple(Column(part.name, "", mark_of(part.mark, mark)) if isinstance(part, Column) else part for part in parts)
    )


def _reads_columns(node: Any) -> bool:
    """Whether a value depends on columns of the query that it stands in."""
    if isinstance(node, list):
        return any(_reads_columns(item) for item in node)
    if not isinstance(node, dict) or node.get("node") in ("SelectQuery", "SelectSetQuery"):
        return False
    return node.get("node") == "Field" or any(_reads_columns(value) for value in node.values())


def _by_name(later: Node) -> bool:
    return str(later.get("set_operator", "")).endswith("BY NAME")


def _counts_rows(call: Node) -> bool:
    arguments = call.get("args") or []
    return (
        call.get("name") == "count" and not call.get("distinct") and [one.get("chain") for one in arguments] == [["*"]]
    )


def _fields(node: Any) -> Iterator[Node]:
    if isinstance(node, list):
        for item in node:
            yield from _fields(item)
    elif isinstance(node, dict):
        if node.get("node") == "Field":
            yield node
        else:
            for value in node.values():
                yield from _fields(value)


def _tables_inside(node: Any) -> Iterator[str]:
    """Names that are read inside of what is not followed."""
    for item in _fields(node):
        yield ".".join(str(part) for part in item["chain"])


def _at(node: Node) -> int:
    start = node.get("start") or {}
    return int(start.get("offset", 0)) if isinstance(start, dict) else int(start)
