"""The line of a view's SQL, or the column, in which a search found something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.search.conditions import Found
from warehouse_admin.mirror.search.texts import folded

BEFORE, AFTER = 50, 110
"""Characters that are shown around what was found."""


@dataclass(frozen=True)
class Snippet:
    """One line, cut to what is around the hit; `line` is its number in the SQL, 0 for a column."""

    before: str
    hit: str
    after: str
    line: int = 0


def snippets(views: Sequence[SavedQuery], found: Found) -> dict[int, Snippet]:
    """Of each view that was not found by its name or description alone, in one query; by primary key."""
    wanted = [word for word in (*found.words, *found.values("sql"), *found.values("column"))]
    asked = [view for view in views if not _is_told(view, wanted)] if wanted else []
    if not asked:
        return {}
    texts = SavedQuery.objects.filter(pk__in=[view.pk for view in asked]).values_list("pk", "query", "columns")
    shown = {}
    for key, query, columns in texts:
        names = [str(column.get("name", "")) for column in columns if isinstance(column, dict)]
        snippet = _of_columns(names, found.values("column")) or _of_lines(query or "", wanted)
        snippet = snippet or _of_columns(names, wanted)
        if snippet is not None:
            shown[key] = snippet
    return shown


def _is_told(view: SavedQuery, wanted: Iterable[str]) -> bool:
    """Whether the row itself shows all that was looked for."""
    told = folded(f"{view.name}\n{view.description[:120]}")
    return all(folded(word) in told for word in wanted)


def _of_lines(query: str, wanted: Iterable[str]) -> Snippet | None:
    for word in wanted:
        place = _place(query, word)
        if place is not None:
            return _cut(query, place, len(word))
    return None


def _of_columns(names: Iterable[str], wanted: Iterable[str]) -> Snippet | None:
    for word in wanted:
        for name in names:
            place = _place(name, word)
            if place is not None:
                end = place + len(word)
                return Snippet(name[max(place - BEFORE, 0) : place], name[place:end], name[end : end + AFTER])
    return None


def _place(text: str, word: str) -> int | None:
    """Where a word begins in a text; None where it is not, or where letters without case moved its place."""
    place = folded(text).find(folded(word))
    if place < 0:
        return None
    if folded(text[place : place + len(word)]) == folded(word):
        return place
    place = text.lower().find(word.lower())
    return place if place >= 0 and len(text.lower()) == len(text) else None


def _cut(text: str, place: int, length: int) -> Snippet:
    start = max(text.rfind("\n", 0, place) + 1, place - BEFORE)
    end = text.find("\n", place)
    end = min(len(text) if end < 0 else end, place + length + AFTER)
    hit_end = min(place + length, end)
    before, after = text[start:place].lstrip(), text[hit_end:end].rstrip()
    cut_before = "…" if start > 0 and text[start - 1] != "\n" else ""
    cut_after = "…" if end < len(text) and text[end] not in "\r\n" else ""
    return Snippet(cut_before + before, text[place:hit_end], after + cut_after, text.count("\n", 0, place) + 1)
