"""The text of a query in a tidy layout that certainly means the same, or why there is none.

A library puts the line breaks and indents; every token is then put back as it was written, keywords in capitals where
the grammar agrees that they are keywords. What is not certain to mean the same is refused, never given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.core.cache import cache

from warehouse_admin.lineage.child import Helper, NoAnswer, Unavailable
from warehouse_admin.lineage.normal import KEYWORDS, same_meaning
from warehouse_admin.lineage.parser import LARGEST_BYTES, parse
from warehouse_admin.lineage.tokens import Kind, Token, tokens

SECONDS = 4.0
KEPT_FOR = 24 * 3600
UNTOUCHED = "The text was left as it is."
_LAID_OUT = (Kind.SPACE, Kind.COMMENT)
# Functions too: whether `any` is a keyword, only what follows it tells.
_CALLED = frozenset("ALL ANY ARRAY EXCEPT INTERVAL LEFT RIGHT".split())
_NEVER = frozenset({"NULL"})
"""Keywords that are values too, and left as they are written."""

_helper = Helper(Path(__file__).with_name("format_child.py"))


@dataclass(frozen=True)
class Formatted:
    """The text in its new layout, or the sentence that says why it stays as it is."""

    text: str = ""
    refusal: str = ""


def formatted(sql: str) -> Formatted:
    """Within some four seconds, and never raises for what the text says."""
    if not sql.strip():
        return Formatted(refusal="There is nothing to format yet.")
    if len(encoded := sql.encode(errors="replace")) > LARGEST_BYTES:
        return Formatted(refusal=f"The text is over {LARGEST_BYTES // 1024} kB, too large to be formatted. {UNTOUCHED}")
    key = f"lineage.formatted.{hashlib.sha256(encoded).hexdigest()}"
    known: dict[str, str] | None = cache.get(key)
    if known is not None:
        return Formatted(**known)
    found, is_final = _format(sql)
    if is_final:
        cache.set(key, asdict(found), KEPT_FOR)
    return found


def _format(sql: str) -> tuple[Formatted, bool]:
    """And whether asking again later would give the same."""
    parsed = parse(sql)
    if parsed.error is not None:
        place = f"line {parsed.error.line}, column {parsed.error.column}"
        return Formatted(refusal=f"The text has a syntax error on {place}. Mend it first, then format."), True
    try:
        layout = json.loads(_helper.ask(_plain(sql), (SECONDS,)))["text"]
    except (NoAnswer, Unavailable):
        return Formatted(refusal=f"Formatting this text took too long, or cannot be done here. {UNTOUCHED}"), False
    if layout is None:
        return Formatted(refusal=f"The formatter does not know something in this text. {UNTOUCHED}"), True
    for text in _candidates(_plain(sql), layout):
        text = _ends_of(sql, text)
        if same_meaning(sql, text):
            return Formatted(text), parsed.tree is not None
    return Formatted(refusal=f"Formatted, it would not certainly mean the same. {UNTOUCHED}"), parsed.tree is not None


def _candidates(sql: str, layout: str) -> Iterator[str]:
    """The best first: with keywords in capitals, then with each word as it is written."""
    own = [token.text for token in tokens(sql) if token.kind not in _LAID_OUT]
    laid = list(tokens(layout))
    if [text.lower() for text in own] != [one.text.lower() for one in laid if one.kind not in _LAID_OUT]:
        return
    if _comments(tokens(sql)) != _comments(laid):
        return
    yield _put_back(_capitals(sql), laid, _glued_dots(sql))
    yield _put_back(own, laid, _glued_dots(sql))


def _put_back(words: list[str], laid: list[Token], glued: set[int]) -> str:
    """The layout with these tokens. `glued`: those that no space may part from the one before."""
    parts: list[str] = []
    number = 0
    for token in laid:
        if token.kind in _LAID_OUT:
            if token.kind is Kind.COMMENT or number not in glued:
                parts.append(token.text)
            continue
        parts.append(words[number])
        number += 1
    return "".join(parts)


def _glued_dots(sql: str) -> set[int]:
    """Tokens, by number, that stand right behind the one before where one of the two is a dot: `pair.1`."""
    found: set[int] = set()
    number, before, apart = 0, "", True
    for token in tokens(sql):
        if token.kind in _LAID_OUT:
            apart = True
            continue
        if not apart and "." in (token.text, before):
            found.add(number)
        number, before, apart = number + 1, token.text, False
    return found


def _capitals(sql: str) -> list[str]:
    """Each token, keywords in capitals as far as the words around them tell."""
    found = [token for token in tokens(sql) if token.kind not in _LAID_OUT]
    words: list[str] = []
    for at, token in enumerate(found):
        upper = token.text.upper()
        after = found[at + 1].text if at + 1 < len(found) else ""
        is_name = (at > 0 and found[at - 1].text == ".") or after == "." or (after == "(" and upper in _CALLED)
        is_keyword = token.kind is Kind.WORD and upper in KEYWORDS - _NEVER and not is_name
        words.append(upper if is_keyword else token.text)
    return words


def _comments(found: Iterator[Token] | list[Token]) -> list[str]:
    """What the comments say, whatever marks and white space are around it."""
    return [" ".join(token.text.strip("-/*# \t\r\n").split()) for token in found if token.kind is Kind.COMMENT]


def _ends_of(sql: str, text: str) -> str:
    """The ends of lines, and of the text, as they were."""
    text = text.rstrip("\n") + ("\n" if _plain(sql).endswith("\n") else "")
    newlines = sql.count("\n")
    return text.replace("\n", "\r\n") if newlines and newlines == sql.count("\r\n") else text


def _plain(sql: str) -> str:
    return sql.replace("\r\n", "\n").replace("\r", "\n")
