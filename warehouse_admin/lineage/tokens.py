"""Split HogQL into tokens that cover the whole text, whatever the text is. Linear in its length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a token is. UNCLOSED is a string, name or comment that runs to the end of the text."""

    SPACE = "space"
    COMMENT = "comment"
    STRING = "string"
    TEMPLATE = "template"
    QUOTED = "quoted name"
    NUMBER = "number"
    WORD = "word"
    OPERATOR = "operator"
    UNCLOSED = "unclosed"


class Token(NamedTuple):
    """A piece of the text as written, and the character offset where it starts."""

    kind: Kind
    text: str
    start: int


# Repeats are possessive (*+, ++): no text can make them backtrack. As the grammar has it, the control characters that
# Python counts as white space are none, and `#2` is no comment but the second column.
_SIMPLE = re.compile(
    r"""
      (?P<space>[^\S\x1c-\x1f]++)
    | (?P<template>f')
    | (?P<comment>(?:--|//|\#(?![0-9]))[^\r\n]*+ | /\*)
    | (?P<string>'(?:[^'\\]++|\\.|'')*+')
    | (?P<quoted>"(?:[^"\\]++|\\.|"")*+" | `(?:[^`\\]++|\\.|``)*+`)
    | (?P<number>[0-9]\w*+(?:(?<=[eE])[+-][0-9]++)?(?:\.(?:[0-9]\w*+(?:(?<=[eE])[+-][0-9]++)?|(?![\w.`"])))?)
    | (?P<word>(?:[^\W\d]|\$)[\w$]*+)
    | (?P<operator>=~\*|!~\*|<=>|->|::|\?\?|\?\.|\|\||<=|>=|!=|<>|==|=>|:=|=~|!~|~\*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "space": Kind.SPACE,
    "comment": Kind.COMMENT,
    "string": Kind.STRING,
    "template": Kind.TEMPLATE,
    "quoted": Kind.QUOTED,
    "number": Kind.NUMBER,
    "word": Kind.WORD,
    "operator": Kind.OPERATOR,
}
_TEMPLATE_TEXT = re.compile(r"(?:[^'\\{]++|\\.|'')*+", re.DOTALL)


class _Scanner:
    """Where the next token ends, given where it starts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = len(text)
        self._last_comment_end = text.rfind("*/")

    def next(self, at: int) -> tuple[Kind, int]:
        """Kind and end of the token that starts at `at`."""
        match = _SIMPLE.match(self._text, at)
        if match is None or match.lastgroup is None:
            raise AssertionError(f"nothing matches at {at}")  # the last operator alternative takes any character
        kind, end = _KINDS[match.lastgroup], match.end()
        if kind is Kind.TEMPLATE:
            closed = self._template_end(end)
            return (kind, closed) if closed else (Kind.UNCLOSED, self._end)
        if kind is Kind.COMMENT and self._text.startswith("/*", at):
            return self._block_comment(at)
        if kind is Kind.OPERATOR and self._text[at] in "'\"`":
            return Kind.UNCLOSED, self._end
        return kind, end

    def _block_comment(self, at: int) -> tuple[Kind, int]:
        """Without its end, the grammar reads `/*` as two operators."""
        if self._last_comment_end < at + 2:
            return Kind.OPERATOR, at + 1
        return Kind.COMMENT, self._text.index("*/", at + 2) + 2

    def _template_end(self, at: int) -> int | None:
        """End of the f-string whose text starts at `at`; its braces may hold strings and f-strings again."""
        open_parts = ["text"]
        while open_parts and at < self._end:
            if open_parts[-1] == "text":
                at = self._skip_template_text(at, open_parts)
            elif self._text.startswith("f'", at):
                open_parts.append("text")
                at += 2
            else:
                at = self._skip_expression_token(at, open_parts)
        return None if open_parts else at

    def _skip_template_text(self, at: int, open_parts: list[str]) -> int:
        match = _TEMPLATE_TEXT.match(self._text, at)
        at = match.end() if match else at
        if at >= self._end:
            return at
        if self._text[at] == "{":
            open_parts.append("expression")
        else:
            open_parts.pop()
        return at + 1

    def _skip_expression_token(self, at: int, open_parts: list[str]) -> int:
        if self._text[at] == "{":
            open_parts.append("expression")
        elif self._text[at] == "}":
            open_parts.pop()
        return self.next(at)[1]


def tokens(text: str) -> Iterator[Token]:
    """Every token of the text in order; joined together they are the text again."""
    scanner = _Scanner(text)
    at = 0
    while at < len(text):
        kind, end = scanner.next(at)
        yield Token(kind, text[at:end], at)
        at = end


def significant(text: str) -> list[Token]:
    """The tokens without white space and comments."""
    return [token for token in tokens(text) if token.kind not in (Kind.SPACE, Kind.COMMENT)]


def unquoted(token: Token) -> str:
    """The name that a word or a quoted name stands for."""
    if token.kind is not Kind.QUOTED:
        return token.text
    quote = token.text[0]
    return re.sub(rf"\\(.)|{quote}{quote}", lambda match: match[1] or quote, token.text[1:-1], flags=re.DOTALL)
