"""Just enough SQL reading to behave plausibly: sources, columns, and what would not parse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

BUILT_INS = {
    "events": [["uuid", "string"], ["event", "string"], ["timestamp", "datetime"], ["distinct_id", "string"],
               ["person_id", "string"], ["properties", "json"]],
    "persons": [["id", "string"], ["created_at", "datetime"], ["properties", "json"], ["is_identified", "boolean"]],
    "groups": [["index", "integer"], ["key", "string"], ["created_at", "datetime"], ["properties", "json"]],
    "sessions": [["session_id", "string"], ["distinct_id", "string"], ["$start_timestamp", "datetime"],
                 ["$end_timestamp", "datetime"], ["$entry_current_url", "string"]],
    "person_distinct_ids": [["distinct_id", "string"], ["person_id", "string"]],
    "cohort_people": [["person_id", "string"], ["cohort_id", "integer"]],
    "log_entries": [["timestamp", "datetime"], ["level", "string"], ["message", "string"]],
}  # fmt: skip

_NOISE = re.compile(r"'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_CTE = re.compile(r"(?:\bWITH|,|\bRECURSIVE)\s+([A-Za-z_]\w*)\s+AS\s*\(", re.IGNORECASE)
_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(`[^`]+`|\"[^\"]+\"|[A-Za-z_$][\w.$]*)(?![\w.$]*\s*\()", re.IGNORECASE)
_START = re.compile(r"\s*\(*\s*(SELECT|WITH)\b", re.IGNORECASE)
_DANGLING = re.compile(r"(?:\b(?:SELECT|FROM|WHERE|JOIN|ON|AND|OR|BY|AS|WITH|HAVING|UNION|ALL)|,)$", re.IGNORECASE)
_EMPTY_LIST = re.compile(r"\bSELECT\s+(FROM\b)|,\s*(FROM\b)", re.IGNORECASE)
_VARIABLE = re.compile(r"\{\s*\w+\.[\w.]+\s*\}")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_ALIAS = re.compile(r"(?:\bAS\s+|\.|^)(`[^`]+`|\"[^\"]+\"|[A-Za-z_$][\w$]*)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class SqlError:
    """`start` and `end` are character offsets into the query."""

    message: str
    start: int
    end: int


def without_noise(sql: str) -> str:
    """The text with comments and string literals blanked out, every offset kept."""
    return _NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), sql)


def sources(sql: str) -> list[tuple[str, int]]:
    """Names after FROM and JOIN that are no CTE, with their offsets."""
    text = without_noise(sql)
    local = {name.lower() for name in _CTE.findall(text)}
    found = []
    for match in _SOURCE.finditer(text):
        name = match.group(1).strip('`"')
        if name.lower() not in local and name.upper() != "SELECT":
            found.append((name, match.start(1)))
    return found


@lru_cache(maxsize=65536)
def source_names(sql: str) -> frozenset[str]:
    return frozenset(name for name, _ in sources(sql))


def parse_error(sql: str) -> SqlError | None:
    """Why this text is no query, or None."""
    text = without_noise(sql)
    end = len(sql)
    if "\x00" in sql:
        return SqlError("token recognition error at: '\\u0000'", sql.index("\x00"), sql.index("\x00") + 1)
    if not text.strip():
        return SqlError("Empty query", 0, end)
    if "'" in text:
        return SqlError("token recognition error: unterminated string", text.index("'"), end)
    if not _START.match(text):
        word = text.split()[0]
        at = text.index(word)
        return SqlError(f"mismatched input '{word}' expecting {{SELECT, WITH, '(', '<'}}", at, at + len(word))
    return _unbalanced(text) or _incomplete(text)


def _unbalanced(text: str) -> SqlError | None:
    opened: list[int] = []
    for at, letter in enumerate(text):
        if letter == "(":
            opened.append(at)
        elif letter == ")":
            if not opened:
                return SqlError("extraneous input ')'", at, at + 1)
            opened.pop()
    if opened:
        return SqlError("no viable alternative: '(' was never closed", opened[-1], opened[-1] + 1)
    return None


def _incomplete(text: str) -> SqlError | None:
    if match := _DANGLING.search(text.rstrip().removesuffix(";").rstrip()):
        return SqlError("mismatched input '<EOF>'", match.start(), len(text))
    if match := _EMPTY_LIST.search(text):
        at = match.start(1) if match.group(1) else match.start(2)
        return SqlError("mismatched input 'FROM'", at, at + 4)
    return None


def view_rule_error(sql: str) -> str | None:
    """What views refuse although it parses."""
    text = without_noise(sql)
    if match := _VARIABLE.search(text):
        return f"Variables like {match.group()} are not allowed in views"
    if _PLACEHOLDER.search(text):
        return "Filters and placeholder expressions are not allowed in views"
    return None


def select_list(sql: str) -> tuple[list[str], str]:
    """The expressions of the outermost SELECT and the name of its first source ("" if none)."""
    text = without_noise(sql)
    start = _top_level(text, "SELECT", 0)
    if start < 0:
        inner = text.strip()
        return select_list(inner[1 : inner.rindex(")")]) if inner.startswith("(") and ")" in inner else ([], "")
    start += len("SELECT")
    end = _top_level(text, "FROM", start)
    first = _SOURCE.search(text, end) if end >= 0 else None
    body = text[start : end if end >= 0 else len(text)]
    body = re.sub(r"^\s*DISTINCT\b", "", body, flags=re.IGNORECASE)
    return _split(body), first.group(1).strip('`"') if first else ""


def first_subquery(sql: str) -> str:
    """What stands in brackets right after the outermost FROM; "" where a name does."""
    text = without_noise(sql)
    at = _top_level(text, "FROM", 0)
    if at < 0 or not text[at + len("FROM") :].lstrip().startswith("("):
        return ""
    start = text.index("(", at) + 1
    depth = 1
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if not depth:
            return sql[start:end]
    return ""


def own_limit(sql: str) -> int | None:
    """The LIMIT of the outermost SELECT."""
    text = without_noise(sql)
    at = _top_level(text, "LIMIT", 0)
    found = re.match(r"LIMIT\s+(\d+)", text[at:], re.IGNORECASE) if at >= 0 else None
    return int(found.group(1)) if found else None


def _top_level(text: str, word: str, start: int) -> int:
    depth = 0
    pattern = re.compile(rf"[()]|\b{word}\b", re.IGNORECASE)
    for match in pattern.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if depth == 0 and match.group().upper() == word:
            return match.start()
    return -1


def _split(text: str) -> list[str]:
    parts, depth, last = [], 0, 0
    for at, letter in enumerate(text):
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[last:at])
            last = at + 1
    parts.append(text[last:])
    return [part.strip() for part in parts if part.strip()]


def output_name(expression: str, position: int) -> str:
    """What a selected expression is called in the result."""
    match = _ALIAS.search(expression)
    return match.group(1).strip('`"') if match else f"expr_{position}"


_TYPES = (
    (re.compile(r"(^|_)(at|timestamp|time)$"), "datetime"),
    (re.compile(r"(^|_)(day|date|week|month|start|end|_on)$|_on$"), "date"),
    (re.compile(r"^(is|has|was|does)_"), "boolean"),
    (re.compile(r"(^|_)(count|orders|users|customers|tickets|quantity|units|number|rank|days|sessions)$"), "integer"),
    (re.compile(r"amount|price|revenue|mrr|arr|value|cost|rate|share|margin|spend|total"), "float"),
    (re.compile(r"hours|usd|score|ratio|roas|ltv"), "float"),
    (re.compile(r"(properties|metadata|tags)$"), "json"),
)  # fmt: skip


def guess_type(name: str, expression: str = "") -> str:
    """A believable column type from its name and the function that makes it."""
    lower = expression.lower()
    if re.search(r"\bcount\s*\(|\buniq\w*\s*\(|row_number\s*\(|datediff\s*\(", lower):
        return "integer"
    if name.endswith("_id") or name == "id":
        return "string"
    return next((kind for pattern, kind in _TYPES if pattern.search(name.lower())), "string")
