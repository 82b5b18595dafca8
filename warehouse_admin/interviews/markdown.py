"""Summaries are Markdown that a model or a stranger wrote: shown as text with structure, and never fetched or run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST = 200_000
TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "a"),
}
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_ITEMS = re.compile(r"^\s*(?:[-+*>]|\d+\.)\s+", re.MULTILINE)
_MARKS = re.compile(r"[*_`#\[\]|~]+|\([a-z]+:[^)]*\)")

# HTML stays text.
_parser = MarkdownIt("js-default", {"html": False, "linkify": False})


def to_html(text: str) -> SafeString:
    """Clean HTML of a summary. Its headings begin at the third level: those above are the page's own."""
    if len(text) > LONGEST:
        return mark_safe(f"<p>{escape(text)}</p>")  # noqa: S308  escaped
    tokens = [_lowered(token) for token in _parser.parse(text)]
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308  nh3 let only the tags and attributes above through


def to_line(text: str, length: int = 180) -> str:
    """The beginning of a summary without its marks, as plain text for a list."""
    plain = " ".join(_MARKS.sub("", _ITEMS.sub(" ", text[: length * 3])).split())
    return plain if len(plain) <= length else f"{plain[: length - 1].rstrip()}…"


def _picture(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    """Only what it is said to show: loading a picture tells its server who reads what, and when."""
    return escape(f"[picture: {tokens[place].content}]")


_parser.add_render_rule("image", _picture)


def _lowered(token: Token) -> Token:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(int(token.tag[1:]) + 2, 6)}"
    return token
