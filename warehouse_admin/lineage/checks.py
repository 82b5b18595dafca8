"""What is wrong with the SQL of a view, said before PostHog is asked, in sentences that say what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from warehouse_admin.lineage.parser import LARGEST_BYTES, Parsed, SyntaxError_, parse, position
from warehouse_admin.lineage.tokens import Kind, Token, significant

LARGEST_VIEW_BYTES = 2 << 20
_SHOWN = 60  # characters of a query quoted in a message
_FROM_THE_GRAMMAR = ("mismatched ", "extraneous ", "missing ", "no viable ", "token recognition ", "Unexpected ")
_STATEMENTS = frozenset(
    "ALTER ATTACH CREATE DELETE DESCRIBE DETACH DROP EXPLAIN FROM GRANT INSERT KILL OPTIMIZE RENAME REVOKE SET SHOW "
    "SYSTEM TRUNCATE UPDATE USE VALUES".split()
)


@dataclass(frozen=True)
class Problem:
    """One thing to fix ("error") or to know ("warning"). `line` and `column` count from 1, `offset` from 0."""

    message: str
    line: int
    column: int
    offset: int
    level: Literal["error", "warning"] = "error"


def check_view_sql(sql: str) -> list[Problem]:
    """Everything we can tell to be wrong with the SQL of a view; PostHog checks tables, columns and types itself."""
    first = _unreadable(sql)
    if first is not None:
        return [first]
    parsed = parse(sql)
    if parsed.error is not None:
        return [_syntax_problem(sql, parsed.error)]
    if parsed.tree is None:
        return [_not_checked(parsed)]
    return _tree_problems(sql, parsed.tree)


def _at(sql: str, offset: int, message: str) -> Problem:
    line, column = position(sql, offset)
    return Problem(message, line, column, offset)


def _unreadable(sql: str) -> Problem | None:
    """What makes it pointless to look further."""
    if not sql.strip():
        return _at(sql, 0, "The query is empty. Write a SELECT.")
    if (problem := unstorable(sql)) is not None:
        return problem
    if not significant(sql):
        return _at(sql, 0, "The query holds nothing but comments. Write a SELECT.")
    return None


def unstorable(sql: str) -> Problem | None:
    """Why this text cannot even be kept as a draft."""
    if (nul := sql.find("\0")) >= 0:
        line, column = position(sql, nul)
        return _at(sql, nul, f"There is a NUL byte on line {line}, column {column}. Remove it: it cannot be stored.")
    if (broken := re.search("[\ud800-\udfff]", sql)) is not None:
        return _at(sql, broken.start(), "There is half of a character pair here. Delete it and type it again.")
    size = len(sql.encode())
    if size > LARGEST_VIEW_BYTES:
        limit = LARGEST_VIEW_BYTES // 1024
        return _at(sql, 0, f"The query has {size // 1024} kB; at most {limit} kB are accepted. Split it into views.")
    return None


def _not_checked(parsed: Parsed) -> Problem:
    reason = {
        "too large": f"The query is over {LARGEST_BYTES // 1024} kB, too large to analyse here.",
        "too complex": "The query is too complex to analyse here.",
        "parser unavailable": "The HogQL grammar is not installed here.",
    }[parsed.problem]
    return Problem(f"{reason} Its syntax was not checked; PostHog will check it.", 1, 1, 0, level="warning")


def _syntax_problem(sql: str, error: SyntaxError_) -> Problem:
    found = significant(sql)
    first = found[0]
    statement = first.text.upper()
    if first.kind is Kind.WORD and statement in _STATEMENTS:
        return _at(sql, first.start, f"A view must be a SELECT. This begins with {statement}.")
    if found[-1].kind is Kind.UNCLOSED:
        return _at(sql, found[-1].start, f"This {_opened(found[-1])} is never closed. Add its closing quote.")
    offset = min(error.start, len(sql))
    return _at(sql, offset, _syntax_message(found, offset, error.message))


def _opened(token: Token) -> str:
    return "quoted name" if token.text[0] in '"`' else "string"


def _syntax_message(found: list[Token], offset: int, detail: str) -> str:
    """Say what the grammar met and, where it knows, what it wanted."""
    if detail.startswith("Unsupported: "):
        return f"HogQL does not support a {_clause(detail)} here. Remove it."
    if not detail.startswith(_FROM_THE_GRAMMAR):
        return f"HogQL refuses this: {_shown(detail.rstrip('.'))}. Change it."
    unexpected = next((token for token in found if token.start <= offset < token.start + len(token.text)), None)
    if unexpected is None:
        return "The query ends too early. Complete it, or remove what is left open."
    earlier = [token for token in found if token.start < unexpected.start]
    if earlier and earlier[-1].text == ";":
        return "A view is one SELECT. Remove what follows the semicolon."
    expected = detail.partition(" expecting ")[2]
    wanted = f" Expected {_listed(expected)}." if 0 < len(expected) <= _SHOWN and "<EOF>" not in expected else ""
    if detail.startswith("Unexpected character"):
        return f"The character {_shown(unexpected.text)} is not allowed here. Remove it, or quote the name around it."
    return f"Unexpected {_shown(unexpected.text)}.{wanted} Check the syntax here and just before."


def _clause(detail: str) -> str:
    """`Unsupported: SelectStmt.settingsClause()` as words: SETTINGS clause."""
    name = detail.rpartition(".")[2].strip("()")
    return f"{name.removesuffix('Clause').upper()} clause" if name.endswith("Clause") else name


def _listed(expected: str) -> str:
    """`{SELECT, WITH, '('}` as words."""
    names = expected.strip("{}").split(", ")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _shown(text: str) -> str:
    one_line = " ".join(text.split())
    return f"“{one_line[:_SHOWN]}…”" if len(one_line) > _SHOWN else f"“{one_line}”"


def _tree_problems(sql: str, tree: dict[str, Any]) -> list[Problem]:
    root = tree
    while root.get("node") == "SelectSetQuery":
        root = root["initial_select_query"]
    problems = [_placeholder_problem(sql, node) for node in _nodes(tree, "Placeholder")]
    if root.get("node") not in ("SelectQuery", "Placeholder"):
        problems.append(_at(sql, tree.get("start", {}).get("offset", 0), "A view must be a SELECT. This is not one."))
    return sorted(problems, key=lambda problem: problem.offset)


def _placeholder_problem(sql: str, node: dict[str, Any]) -> Problem:
    start, end = node["start"]["offset"], node["end"]["offset"]
    shown = _shown(sql[start:end])
    chain = node["expr"].get("chain") or [""]
    if chain[0] == "variables":
        return _at(sql, start, f"Variables such as {shown} are not allowed in views. Write the value itself.")
    return _at(sql, start, f"Filters and placeholders such as {shown} are not allowed in views. Write the SQL itself.")


def _nodes(tree: Any, kind: str) -> list[dict[str, Any]]:
    """Every node of one kind. Not recursive: trees can be deep."""
    found: list[dict[str, Any]] = []
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("node") == kind:
                found.append(node)
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found
