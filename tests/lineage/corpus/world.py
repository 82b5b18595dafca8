"""The tables that the labelled queries read, and the changes of V for which they are graded."""

from __future__ import annotations

from functools import cache

from warehouse_admin.lineage.columns import Columns, mirrored, unknown
from warehouse_admin.lineage.grading import Verdict, compare, grade
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.resolve import resolve

T = {"a": "integer", "b": "integer", "c": "string", "m": "json", "l": "array"}
TABLES = {"T": T, "W": {"w": "integer", "k": "integer", "b": "integer"}}
ALL_TABLES = TABLES | {
    "V": T,
    "orders": {
        "id": "Int64",
        "customer_id": "Nullable(Int64)",
        "total": "Float64",
        "price": "Decimal(10, 2)",
        "currency": "LowCardinality(String)",
        "paid": "Bool",
        "at": "DateTime64(6)",
        "day": "Date",
        "tags": "Array(String)",
        "meta": "JSON",
        "key": "UUID",
    },
    "customers": {"id": "Int64", "email": "String", "country": "String", "joined": "DateTime", "order id": "Int64"},
}
BEFORE = "select a, b, c, m, l from T"
CHANGES = {
    "removed": "select a, c, m, l from T",
    "renamed": "select a, b as b2, c, m, l from T",
    "added": "select a, b, c, m, l, 1 as k from T",
    "retyped": "select a, toString(b) as b, c, m, l from T",
    "unsure": "select a, mystery(b) as b, c, m, l from T",
    "moved": "select b, a, c, m, l from T",
    "same": "select a, b, c, m, l from T where a > 1",
}


def columns_of(name: str, tables: dict[str, dict[str, str]] = ALL_TABLES) -> Columns:
    if name not in tables:
        return unknown(name)
    return mirrored(name, [{"name": column, "type": kind} for column, kind in tables[name].items()])


@cache
def given(sql: str) -> Columns:
    return resolve(parse(sql).tree or {}, columns_of).columns


def judged(before: str, after: str, dependent: str) -> Verdict:
    """What becomes of a query when V goes from one text to another."""
    tree = parse(dependent).tree
    assert tree is not None, dependent
    old = given(before)
    changes, new = compare(old, given(after))
    if not changes:
        return Verdict()
    sides = ({"V": old}, {"V": new})
    schemas = [lambda name, side=side: side.get(name) or columns_of(name) for side in sides]
    return grade(tree, *schemas, {"V"})
