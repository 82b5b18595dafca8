"""Find the tables a query reads when the HogQL grammar gives up: less exact, but always an answer."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from warehouse_admin.lineage.tokens import Kind, Token, significant, tokens, unquoted

_LARGEST_FOR_SQLGLOT = 256 * 1024
_PLACEHOLDER = "(placeholder)"


def names(sql: str) -> tuple[str, ...]:
    """Names read in FROM and JOIN, as far as they can be told; may miss some, and may hold a few too many."""
    if len(sql) <= _LARGEST_FOR_SQLGLOT:
        found = _by_sqlglot(sql)
        if found is not None:
            return found
    return _by_tokens(significant(sql))


def masked(sql: str) -> str:
    """The query with what only HogQL knows replaced by something that reads the same tables."""
    parts: list[str] = []
    braces = 0
    for token in tokens(sql):
        if token.text == "{":
            braces += 1
            parts.append(f"'{_PLACEHOLDER}'" if braces == 1 else "")
        elif token.text == "}" and braces:
            braces -= 1
        elif not braces:
            parts.append(_mask(token))
    return "".join(parts)


def _mask(token: Token) -> str:
    if token.kind is Kind.COMMENT:
        return " "
    if token.kind is Kind.TEMPLATE:
        return "'template'"
    if token.kind is Kind.WORD and "$" in token.text:
        return f'"{token.text}"'
    return token.text


def _by_sqlglot(sql: str) -> tuple[str, ...] | None:
    try:
        tree = sqlglot.parse_one(masked(sql), dialect="clickhouse")
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError):
        return None  # a parser written for other dialects meets text it never saw
    found: dict[str, None] = {}
    for table in tree.find_all(exp.Table, bfs=False):
        parts = [part.name for part in table.parts]
        has_name = isinstance(table.this, exp.Identifier) and _PLACEHOLDER not in parts  # a function has none
        if has_name and not (len(parts) == 1 and _is_cte(table, parts[0])):
            found[".".join(parts)] = None
    return tuple(found)


def _is_cte(table: exp.Expr, name: str) -> bool:
    """Whether `name` is, where the table stands, the name of a WITH clause around it."""
    defining: exp.Expr | None = None
    node: exp.Expr | None = table
    while node is not None:
        if isinstance(node, exp.CTE):
            defining = node
        elif isinstance(node, exp.Query):
            for cte in node.ctes:
                if cte is defining:
                    break  # a definition sees only the ones before it
                if cte.alias == name:
                    return True
            defining = None
        elif isinstance(node, exp.With) and node.recursive and defining is not None and defining.alias == name:
            return True
        node = node.parent
    return False


def _by_tokens(found: list[Token]) -> tuple[str, ...]:
    """Names that follow FROM or JOIN, without the names that anything defines by `name AS (`."""
    words = [token.text.upper() if token.kind is Kind.WORD else token.text for token in found]
    defined = {
        unquoted(found[at])
        for at in range(len(found) - 2)
        if _is_name(found[at]) and words[at + 1] == "AS" and words[at + 2] == "("
    }
    result: dict[str, None] = {}
    for at, word in enumerate(words):
        if word in ("FROM", "JOIN") and (at == 0 or words[at - 1] not in (".", "DISTINCT")):
            name = _dotted_name(found, at + 1)
            if name and name not in defined:
                result[name] = None
    return tuple(result)


def _is_name(token: Token) -> bool:
    return token.kind in (Kind.WORD, Kind.QUOTED)


def _dotted_name(found: list[Token], at: int) -> str:
    """The name that starts at token `at`; empty when there is none or when it is a function."""
    parts: list[str] = []
    while at < len(found) and _is_name(found[at]):
        parts.append(unquoted(found[at]))
        at += 1
        if at >= len(found) or found[at].text != ".":
            break
        at += 1
    is_function = at < len(found) and found[at].text == "("
    return "" if is_function else ".".join(parts)
