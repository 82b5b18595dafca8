"""SQL as numbered, highlighted lines; the text itself is never altered."""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments.lexers.sql import SqlLexer
from pygments.token import STANDARD_TYPES, _TokenType

HIGHLIGHT_UP_TO = 100_000
"""Characters; longer text is shown plain, because a page must not wait for colours."""


def _css_class(token: _TokenType) -> str:
    kind: _TokenType | None = token
    while kind is not None and kind not in STANDARD_TYPES:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")


def _as_lines(text: str) -> list[str]:
    """Lines as an editor counts them: LF, CRLF and lone CR end one; form feeds and the like do not."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def highlighted_lines(text: str) -> tuple[SafeString, ...]:
    """One piece of escaped HTML for each line of the text."""
    lines = _as_lines(text)
    if len(text) > HIGHLIGHT_UP_TO:
        return tuple(escape(line) for line in lines)
    return _highlight("\n".join(lines))


@lru_cache(maxsize=64)
def _highlight(text: str) -> tuple[SafeString, ...]:
    lexer = SqlLexer(stripnl=False, ensurenl=False)
    done: list[str] = []
    current: list[str] = []
    for token, value in lexer.get_tokens(text):
        css = _css_class(token)
        for index, piece in enumerate(value.split("\n")):
            if index:
                done.append("".join(current))
                current = []
            if piece:
                current.append(f'<span class="{css}">{escape(piece)}</span>' if css else escape(piece))
    done.append("".join(current))
    return tuple(mark_safe(line) for line in done)  # noqa: S308  every piece above is escaped
