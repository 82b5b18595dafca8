"""What becomes of one query when columns of what it reads change: it is read against both, and the two are compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from warehouse_admin.lineage.columns import Column, Columns, Rest
from warehouse_admin.lineage.resolve import ROWS, VALUE, Resolved, Schema, Use, resolve
from warehouse_admin.lineage.value_types import surely_same

MOST_REASONS = 8


class Grade(StrEnum):
    """How it fares. Worse ones are later in `ORDER`."""

    SAFE = "safe"
    RISKY = "risky"
    CANNOT_TELL = "cannot_tell"
    BREAKING = "breaking"


ORDER = (Grade.SAFE, Grade.RISKY, Grade.CANNOT_TELL, Grade.BREAKING)


class Change(StrEnum):
    """What became of an output column."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    RETYPED = "retyped"
    UNSURE = "unsure"
    MOVED = "moved"


@dataclass(frozen=True)
class ColumnChange:
    """One column that is not what it was. `before` and `after` are names, or types where the type changed."""

    name: str
    change: Change
    before: str = ""
    after: str = ""


@dataclass
class Verdict:
    """A grade with its reasons, what becomes of its own columns, and all of those before and after."""

    grade: Grade = Grade.SAFE
    why: list[str] = field(default_factory=list)
    columns: list[ColumnChange] = field(default_factory=list)
    before: Columns = field(default_factory=Columns)
    after: Columns = field(default_factory=Columns)
    is_stale: bool = False
    """Whether it goes on with rows that are renewed no more."""

    def worsen(self, grade: Grade, why: str) -> None:
        if ORDER.index(grade) > ORDER.index(self.grade):
            self.grade = grade
        if why not in self.why and len(self.why) < MOST_REASONS:
            self.why.append(why)


def grade(tree: dict[str, Any] | None, old: Schema, new: Schema, changed: set[str]) -> Verdict:
    """What becomes of a parsed query when the columns of the sources named `changed` go from `old` to `new`.

    `tree` None is a query that could not be parsed.
    """
    if tree is None:
        return Verdict(Grade.CANNOT_TELL, ["Its SQL could not be analysed here."])
    before, after = resolve(tree, old), resolve(tree, new)
    verdict = Verdict(before=before.columns)
    for key in after.faults.keys() - before.faults.keys():
        verdict.worsen(Grade.BREAKING, after.faults[key])
    for place in after.by_place.keys() & before.by_place.keys():
        _compare_places(place[1], before.by_place[place], after.by_place[place], verdict)
    _compare_uses(before, after, verdict)
    for why in dict.fromkeys(after.unclear):
        if after.sources & changed:
            verdict.worsen(Grade.CANNOT_TELL, why)
    verdict.columns, verdict.after = compare(before.columns, after.columns)
    if verdict.grade != Grade.BREAKING:
        _own_columns(verdict)
    verdict.why.sort()
    return verdict


def _compare_places(what: str, old: Columns, new: Columns, verdict: Verdict) -> None:
    """Columns that count by their place, where no name shows that one has taken the place of another."""
    if what == ROWS:
        if [isinstance(part, Rest) for part in old] != [isinstance(part, Rest) for part in new]:
            verdict.worsen(Grade.RISKY, "Rows that differ in other columns than before will count as different.")
        return
    if what == VALUE and new.width != old.width:
        verdict.worsen(Grade.BREAKING, f"{what.capitalize()} gives {_many(new.width)} instead of {_many(old.width)}.")
    if new.width != old.width:
        return
    pairs = [
        (was, now) for was, now in zip(old, new, strict=True) if isinstance(was, Column) and isinstance(now, Column)
    ]
    former = {was.mark for was, _ in pairs}
    for was, now in pairs:
        if was.mark == now.mark:
            continue
        if now.mark in former:
            verdict.worsen(Grade.RISKY, f"The columns of {what} change places.")
        elif was.type and now.type and was.type != now.type:
            verdict.worsen(Grade.RISKY, f"A column of {what} changes from {was.type} to {now.type}.")
        elif not surely_same(was.type, now.type):
            verdict.worsen(Grade.CANNOT_TELL, f"A column of {what} is computed otherwise, and its type may change.")


def _many(width: int | None) -> str:
    return "an unknown number of columns" if width is None else f"{width} column{'' if width == 1 else 's'}"


def _compare_uses(before: Resolved, after: Resolved, verdict: Verdict) -> None:
    """Names that mean something else than they did."""
    former = {use.at: use for use in before.uses}
    for use in after.uses:
        was = former.get(use.at)
        if was is not None and not use.meaning.fault and was.meaning.fault != "ambiguous":
            _compare_use(was, use, verdict)


def _compare_use(was: Use, now: Use, verdict: Verdict) -> None:
    if was.text == "*":
        if was.meaning.target != now.meaning.target:
            verdict.worsen(Grade.RISKY, "A “*” inside a function will stand for other columns.")
    elif was.meaning.fault:  # a field of a join that PostHog adds, which no list of columns names
        verdict.worsen(Grade.RISKY, f"“{now.text}” will mean {now.meaning.target}.")
    elif was.meaning.certain and not now.meaning.certain:
        verdict.worsen(Grade.BREAKING, f"“{now.text}” is not in {was.meaning.target} any more.")
    elif now.meaning.is_outer and not was.meaning.is_outer:
        verdict.worsen(Grade.BREAKING, f"“{now.text}” is not in what the subquery reads any more.")
    elif was.meaning.target != now.meaning.target:
        verdict.worsen(Grade.RISKY, f"“{now.text}” will mean {now.meaning.target} instead of {was.meaning.target}.")
    elif was.meaning.column.mark != now.meaning.column.mark:
        kinds = was.meaning.column.type, now.meaning.column.type
        if all(kinds) and kinds[0] != kinds[1]:
            verdict.worsen(Grade.RISKY, f"“{now.text}” changes from {kinds[0]} to {kinds[1]}.")
        elif not surely_same(*kinds):
            verdict.worsen(Grade.CANNOT_TELL, f"“{now.text}” is computed otherwise, and its type may change with it.")


def _own_columns(verdict: Verdict) -> None:
    """Its own result has other columns: whoever reads it by name, in a chart for instance, may miss one."""
    lost = [one.name for one in verdict.columns if one.change in (Change.REMOVED, Change.RENAMED)]
    if lost:
        verdict.worsen(Grade.RISKY, f"Its own result loses {', '.join(lost)}.")
    for one in verdict.columns:
        if one.change == Change.RETYPED:
            verdict.worsen(Grade.RISKY, f"Its own “{one.name}” changes from {one.before} to {one.after}.")
        elif one.change == Change.UNSURE:
            verdict.worsen(Grade.CANNOT_TELL, f"The type of its own “{one.name}” may change.")
    if any(one.change == Change.MOVED for one in verdict.columns):
        verdict.worsen(Grade.RISKY, "Its own result has its columns in another order.")


def compare(old: Columns, new: Columns) -> tuple[list[ColumnChange], Columns]:
    """What became of each column, and the new columns with the marks of those whose type is surely what it was."""
    changes: list[ColumnChange] = []
    kept: list[Column | Rest] = []
    for part in new:
        if isinstance(part, Rest) or part.name not in old.named:
            kept.append(part)
            continue
        was = old.named[part.name]
        if was.mark == part.mark or surely_same(was.type, part.type):
            kept.append(replace(was, name=part.name))
            continue
        kept.append(part)
        sure = bool(was.type and part.type and was.type != part.type)
        changes.append(ColumnChange(part.name, Change.RETYPED if sure else Change.UNSURE, was.type, part.type))
    if old.unnamed != new.unnamed:
        changes.append(ColumnChange("a column without a name", Change.UNSURE))
    changes += _gone_and_new(old, new)
    shared = [name for name in old.named if name in new.named]
    if shared != [name for name in new.named if name in old.named]:
        changes.append(ColumnChange(", ".join(shared[:5]), Change.MOVED))
    return changes, Columns(tuple(kept))


def _gone_and_new(old: Columns, new: Columns) -> list[ColumnChange]:
    """Removed and added ones; a pair of them computed from the same is one that was renamed."""
    gone = [one for name, one in old.named.items() if name not in new.named and not new.may_have(name)]
    came = [one for name, one in new.named.items() if name not in old.named and not old.may_have(name)]
    by_mark: dict[str, list[Column]] = {}
    for one in came:
        by_mark.setdefault(one.mark, []).append(one)
    changes, renamed = [], set()
    for one in gone:
        if twins := by_mark.get(one.mark):
            twin = twins.pop(0)
            renamed.add(twin.name)
            changes.append(ColumnChange(one.name, Change.RENAMED, one.name, twin.name))
        else:
            changes.append(ColumnChange(one.name, Change.REMOVED, one.name))
    changes += [ColumnChange(one.name, Change.ADDED, "", one.name) for one in came if one.name not in renamed]
    lost = {rest.source for rest in old.rests} - {rest.source for rest in new.rests}
    changes += [ColumnChange(f"columns of {source}", Change.REMOVED, source) for source in sorted(lost)]
    won = {rest.source for rest in new.rests} - {rest.source for rest in old.rests}
    return changes + [ColumnChange(f"columns of {source}", Change.ADDED, "", source) for source in sorted(won)]
