"""What is known of the type of a value: families of types, since `Int32` and `Int64` are one thing to a reader."""

from __future__ import annotations

from typing import Any

_WRAPPERS = ("nullable(", "lowcardinality(")
_FAMILIES = {
    "string": ("string", "fixedstring", "enum", "text", "varchar"),
    "integer": ("integer", "int", "uint", "bigint", "smallint"),
    "float": ("float", "double", "real"),
    "decimal": ("decimal", "numeric"),
    "boolean": ("boolean", "bool"),
    "datetime": ("datetime", "timestamp"),
    "date": ("date",),
    "array": ("array",),
    "uuid": ("uuid",),
    "json": ("json", "map", "object", "struct"),
    "tuple": ("tuple",),
}
_OF_CALLS = {
    "integer": """count countIf countDistinct uniq uniqIf uniqExact length dateDiff toYear toMonth toQuarter
        toDayOfMonth toDayOfWeek toHour toMinute toUnixTimestamp rowNumberInAllBlocks row_number rank
        dense_rank position indexOf
        JSONExtractInt toInt toInt8 toInt16 toInt32 toInt64 toUInt8 toUInt16 toUInt32 toUInt64 toInteger intDiv""",
    "float": "toFloat toFloat32 toFloat64 JSONExtractFloat stddevPop stddevSamp sqrt",
    "string": """toString concat lower upper lowerUTF8 upperUTF8 trim trimLeft trimRight substring substr replaceAll
        replaceOne replaceRegexpAll replaceRegexpOne extract JSONExtractString JSONExtractRaw formatDateTime domain path
        splitPart leftPad rightPad base64Encode hex""",
    "boolean": """and or not xor equals notEquals less greater lessOrEquals greaterOrEquals like ilike notLike notILike
        in notIn isNull isNotNull empty notEmpty startsWith endsWith has hasAny hasAll match JSONExtractBool JSONHas
        toBool""",
    "datetime": """now toDateTime toDateTime64 parseDateTimeBestEffort parseDateTime64BestEffort toStartOfDay
        toStartOfHour toStartOfMinute toStartOfFiveMinutes toTimeZone fromUnixTimestamp""",
    "date": "today yesterday toDate toDate32 toMonday toStartOfMonth toStartOfQuarter toStartOfYear toStartOfWeek",
    "array": "array groupArray groupUniqArray arrayMap arrayFilter arraySort arrayConcat splitByChar range",
    "uuid": "generateUUIDv4 toUUID",
    "tuple": "tuple",
    "json": "map",
}
_BY_CALL = {name: kind for kind, names in _OF_CALLS.items() for name in names.split()}
_SAME_AS_FIRST = frozenset("min max any anyLast argMin argMax first_value last_value".split())
_SAME_NUMBER = frozenset("abs round floor ceil sum".split())
_FLOAT_OF_NUMBERS = frozenset("avg avgIf median quantile divide".split())
"""Of dates they are dates, of decimals decimals."""
_SAME_AS_ALL = {"if": 1, "coalesce": 0, "ifNull": 0, "greatest": 0, "least": 0}
"""Calls with the type of their arguments from this one on, where those agree."""
_NUMBERS = frozenset({"integer", "float"})
NESTED = frozenset({"array", "json", "tuple"})
"""Families that do not tell what is inside."""


def surely_same(one: str, other: str) -> bool:
    """Whether two families, or "", mean that the types are interchangeable."""
    return bool(one) and one == other and one not in NESTED


def family(name: str) -> str:
    """The family of a type as PostHog or ClickHouse names it; "" for what belongs to none."""
    low = name.lower().strip()
    while low.startswith(_WRAPPERS):
        low = low.partition("(")[2]
    if low.startswith("interval"):
        return ""
    for kind, beginnings in _FAMILIES.items():
        if low.startswith(beginnings):
            return kind
    return ""


def of_constant(value: Any) -> str:
    """Of a literal; NULL has none."""
    kinds = {bool: "boolean", int: "integer", float: "float", str: "string"}
    return kinds.get(type(value), "")


def of_call(name: str, arguments: list[str]) -> str:
    """Of a function, from the families of its arguments; "" where that is not known here."""
    if name in _SAME_AS_FIRST:
        return arguments[0] if arguments else ""
    if name in _SAME_NUMBER:
        return arguments[0] if arguments and arguments[0] in _NUMBERS else ""
    if name in _FLOAT_OF_NUMBERS:
        return "float" if arguments and set(arguments) <= _NUMBERS | {"boolean"} else ""
    if name in _SAME_AS_ALL or name == "multiIf":
        kinds = set(arguments[1::2] + arguments[-1:] if name == "multiIf" else arguments[_SAME_AS_ALL[name] :])
        return kinds.pop() if len(kinds) == 1 else ""
    return _BY_CALL.get(name, "")


def of_arithmetic(operator: str, left: str, right: str) -> str:
    if left not in _NUMBERS or right not in _NUMBERS:
        return ""
    return "float" if operator == "/" or "float" in (left, right) else "integer"
