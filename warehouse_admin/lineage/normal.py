"""Whether two texts differ in layout alone: white space, comments, the case of keywords."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.tokens import Kind, Token, significant, tokens

KEYWORDS = frozenset(
    "ALL AND ANTI ANY ARRAY AS ASC ASOF BETWEEN BY CASE CROSS DESC DISTINCT ELSE END EXCEPT EXISTS FINAL FROM FULL "
    "HAVING ILIKE IN INNER INTERSECT INTERVAL INTO IS JOIN LEFT LIKE LIMIT MATERIALIZED NOT NULL NULLS OFFSET ON OR "
    "ORDER OUTER OVER PARTITION PREWHERE QUALIFY RECURSIVE RIGHT ROWS SAMPLE SELECT SEMI THEN UNION USING WHEN WHERE "
    "WINDOW WITH GROUP".split()
)

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def normalised(sql: str) -> str:
    """The query on one line without comments, keywords in capitals. For comparing and hashing; never to be sent.

    Two texts with the same one mean the same for certain: a word that may be a name keeps its case.
    """
    if holds_tag(sql):
        return sql  # inside a tag, white space is text
    found = glued(sql)
    if upper_keywords(found) == [text for text, _ in found]:
        return " ".join(text for text, _ in found)
    tree = parse(sql).tree
    return " ".join(upper_keywords(found, names_in(tree)) if tree is not None else (text for text, _ in found))


def same_meaning(a: str, b: str) -> bool:
    """True when the two differ in layout alone; false when they differ, and false when that is not certain."""
    if a == b:
        return True
    if holds_tag(a) or holds_tag(b):
        return False  # inside a tag, white space is text
    if _HALF_PAIR.search(a) or _HALF_PAIR.search(b):
        return False  # even in a comment it makes a text that cannot be sent
    left, right = glued(a), glued(b)
    if [text for text, _ in left] == [text for text, _ in right]:
        return True
    if upper_keywords(left) != upper_keywords(right):
        return False
    # Any keyword can also be a name, whose case matters; only the grammar can tell which it is here.
    first, second = parse(a).tree, parse(b).tree
    return first is not None and second is not None and _same_tree(first, second)


def glued(sql: str, *, comments: bool = False) -> list[tuple[str, bool]]:
    """Each token's text, and whether it may be a keyword. A dot keeps a mark of the white space around it.

    Comments are left out like white space unless they are asked for.
    """
    result: list[tuple[str, bool]] = []
    apart = False
    previous: Token | None = None
    for token in tokens(sql):
        if token.kind is Kind.SPACE or (token.kind is Kind.COMMENT and not comments):
            apart = True
            continue
        after_dot = previous is not None and previous.text == "."
        # `1 .5` and `1.5` are not the same; rather than know every such case, hold them all apart.
        mark = " " if apart and (after_dot or token.text == ".") else ""
        result.append((mark + token.text, token.kind is Kind.WORD and not after_dot))
        apart, previous = False, token
    return result


def upper_keywords(found: list[tuple[str, bool]], names: Collection[str] = ()) -> list[str]:
    """The texts with what may be a keyword in capitals, but for what is known to be a name somewhere."""
    return [
        text.upper() if is_word and text.upper() in KEYWORDS and text not in names else text for text, is_word in found
    ]


def holds_tag(sql: str) -> bool:
    """Whether the text may hold an HTML-like tag, which the grammar also accepts."""
    if "</" not in sql and "/>" not in sql:
        return False
    found = significant(sql)
    pairs = zip(found, found[1:], strict=False)
    return any((one.text == "<" and two.text == "/") or (one.text == "/" and two.text == ">") for one, two in pairs)


def names_in(tree: Any) -> set[str]:
    """Every text in a tree but operators, so all names as they are written; not recursive, for trees can be deep."""
    found: set[str] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(value for key, value in node.items() if key != "op")
        elif isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, str):
            found.add(node)
    return found


def _same_tree(first: Any, second: Any) -> bool:
    """Equal but for the places in the text. Not recursive: trees can be deep."""
    waiting = [(first, second)]
    while waiting:
        left, right = waiting.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            waiting.extend((left[key], right[key]) for key in left if key not in ("start", "end"))
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            waiting.extend(zip(left, right, strict=True))
        elif left != right or type(left) is not type(right):
            return False
    return True
