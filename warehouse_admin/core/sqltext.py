"""SQL as numbered, highlighted lines, with the same signs as in a difference for what a reader would not see."""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments.lexers.sql import SqlLexer
from pygments.token import STANDARD_TYPES, Error, Keyword, Name, _TokenType

from warehouse_admin.core.blame import lines_of
from warehouse_admin.core.longlines import LONGEST_LINE, went_on
from warehouse_admin.core.unseen import visible

HIGHLIGHT_UP_TO = 100_000
"""Characters; longer text is shown plain, because a page must not wait for colours."""

# The library's SQL lexer takes `day`, `name` or `timestamp` for keywords; in HogQL these are columns.
KEYWORDS = frozenset(
    """all and anti array as asc asof between by case cross cube desc distinct else end escape except exists false final
    following from full global group having ilike in inner intersect interval is join lateral left like limit not null
    nulls offset on or order outer over partition preceding prewhere qualify recursive right rollup rows sample select
    semi settings then ties totals true unbounded union using when where window with""".split()
)
_FUNCTIONS_TOO = frozenset(("array", "left", "right", "interval", "null", "true", "false"))


def _kind(token: _TokenType, value: str, before: str, after: str) -> _TokenType:
    """The kind of a word: a keyword, a function when it is called, else a name."""
    if token not in Keyword and token not in Name:
        return token
    called = after.startswith("(")
    word = value.lower()
    if word in KEYWORDS and before != "." and not (called and word in _FUNCTIONS_TOO):
        return Keyword
    return Name.Function if called else Name


def _css_class(token: _TokenType) -> str:
    if token is Error:
        return ""  # what this lexer does not know, such as `$` in a name, is still good HogQL
    kind: _TokenType | None = token
    while kind is not None and kind not in STANDARD_TYPES:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")


def highlighted_lines(text: str) -> tuple[SafeString, ...]:
    """One piece of escaped HTML for each line of the text; a very long line says how much of it is left out."""
    lines = lines_of(text)
    if len(text) > HIGHLIGHT_UP_TO:
        return tuple(mark_safe(_shown(line[:LONGEST_LINE]) + cut_note(len(line))) for line in lines)  # noqa: S308  escaped
    return _highlight("\n".join(lines))


def long_lines(text: str) -> int:
    """How many lines are cut where the text is shown."""
    return sum(len(line) > LONGEST_LINE for line in lines_of(text))


def cut_note(length: int) -> str:
    """HTML that says how a line of this length goes on; nothing where it ends."""
    left = length - LONGEST_LINE
    return f'<span class="code-cut">{went_on(left)}</span>' if left > 0 else ""


@lru_cache(maxsize=64)
def _highlight(text: str) -> tuple[SafeString, ...]:
    lexer = SqlLexer(stripnl=False, ensurenl=False)
    done: list[str] = []
    current: list[str] = []
    length = 0  # of the line so far, the part left out included
    tokens = list(lexer.get_tokens(text))
    for position, (raw, value) in enumerate(tokens):
        before = tokens[position - 1][1] if position else ""
        after = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        css = _css_class(_kind(raw, value, before, after))
        for index, piece in enumerate(value.split("\n")):
            if index:
                done.append("".join(current) + cut_note(length))
                current, length = [], 0
            if kept := piece[: max(LONGEST_LINE - length, 0)]:
                current.append(f'<span class="{css}">{_shown(kept)}</span>' if css else _shown(kept))
            length += len(piece)
    done.append("".join(current) + cut_note(length))
    return tuple(mark_safe(line) for line in done)  # noqa: S308  every piece above is escaped


def _shown(piece: str) -> SafeString:
    return escape(visible(piece))
