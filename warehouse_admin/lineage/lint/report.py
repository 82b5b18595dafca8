"""What lint finds in a text, with what each finding weighs in its project and who said that it may stay."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.catalog import Trees
from warehouse_admin.lineage.lint.base import Level, Rule, Subject
from warehouse_admin.lineage.lint.models import LintExemption
from warehouse_admin.lineage.lint.rules import OF_PREVIEWS, OF_VIEWS
from warehouse_admin.lineage.lint.selectors import exemptions_of, levels_of
from warehouse_admin.lineage.lint.walk import Node
from warehouse_admin.lineage.parser import LARGEST_BYTES, parse, position
from warehouse_admin.mirror.models import SavedQuery

MOST_FOUND = 200
LONGEST_LINE = 160
_ORDER = list(Level)


@dataclass(frozen=True)
class Finding:
    """One place that breaks a rule. `line` and `column` count from 1, `offset` from 0; `code` is that line.

    With an `exemption` it stands in nobody's way, unless `own`: whoever granted it wrote the text.
    """

    rule: Rule
    level: Level
    message: str
    line: int
    column: int
    offset: int
    code: str = ""
    exemption: LintExemption | None = None
    own: bool = False

    @property
    def is_exempt(self) -> bool:
        return self.exemption is not None and not self.own

    @property
    def blocks(self) -> bool:
        return self.level == Level.ERROR and not self.is_exempt

    @property
    def weight(self) -> str:
        """Its level as it counts here: `exempt` where it need not be mended."""
        return "exempt" if self.is_exempt else str(self.level)


@dataclass(frozen=True)
class Report:
    """What was found, worst first; the rules that found nothing; those that are off; or why lint could not look."""

    findings: list[Finding] = field(default_factory=list)
    passed: list[Rule] = field(default_factory=list)
    off: list[Rule] = field(default_factory=list)
    problem: str = ""
    more: int = 0
    """How many findings are left out."""

    @property
    def blocking(self) -> list[Finding]:
        return [one for one in self.findings if one.blocks]

    @property
    def counts(self) -> dict[str, int]:
        weights = [one.weight for one in self.findings]
        return {name: weights.count(name) for name in ("error", "warning", "note", "exempt")}

    @property
    def groups(self) -> list[tuple[str, list[Finding]]]:
        """Findings by weight, the heaviest first."""
        found = [(name, [one for one in self.findings if one.weight == name]) for name in self.counts]
        return [(name, findings) for name, findings in found if findings]


def look(
    connection: Connection,
    sql: str,
    *,
    view: SavedQuery | None = None,
    name: str = "",
    writers: Collection[int] = (),
    tree: Node | None = None,
    preview: bool = False,
) -> Report:
    """Look at a text of a view, or of one that will be called `name`; at most four queries.

    Exemptions that one of the `writers` (primary keys of people) granted do not count. `tree` is the parsed text where
    somebody has it already.
    """
    if tree is None:
        parsed = parse(sql)
        if parsed.tree is None:
            return Report(problem=_why_not(sql, parsed.problem))
        tree = parsed.tree
    rules = OF_PREVIEWS if preview else OF_VIEWS
    subject = Subject(sql, tree, connection, view, name)
    levels = levels_of(connection)
    exemptions = {one.rule: one for one in exemptions_of(connection, view, name)} if not preview else {}
    findings: list[Finding] = []
    passed, off = [], []
    for rule in rules:
        level = levels.get(rule.id, rule.level)
        if level == Level.OFF:
            off.append(rule)
            continue
        found = _found_by(rule, level, subject, exemptions.get(rule.id), writers)
        findings += found
        passed += [] if found else [rule]
    findings.sort(key=lambda one: (one.is_exempt, _ORDER.index(one.level), one.offset))
    return Report(findings[:MOST_FOUND], passed, off, more=max(len(findings) - MOST_FOUND, 0))


def look_at(view: SavedQuery) -> Report:
    """The same of the text that a view has, which is parsed already as a rule."""
    if view.is_managed:
        return Report(problem="PostHog manages this view; nobody here can change its text, so it is not looked at.")
    if view.query is None:
        return Report(problem="The SQL of this view has not been read yet.")
    return look(view.connection, view.query, view=view, name=view.name, tree=Trees([view.pk]).of(view))


def told_of(report: Report) -> dict[str, Any]:
    """What the audit trail keeps: each finding in a line, without the text that it is in."""
    findings = [{"rule": one.rule.id, "weight": one.weight, "message": one.message} for one in report.findings]
    return {"findings": findings} | ({"problem": report.problem} if report.problem else {})


def differs(then: dict[str, Any], now: Report) -> tuple[list[str], list[str]]:
    """What is found now and was not then, and the other way round, in sentences."""
    before = {_key(one): one for one in then.get("findings", [])}
    after = {_key(one): one for one in told_of(now)["findings"]}
    return _sentences(after, before), _sentences(before, after)


def _key(told: dict[str, str]) -> str:
    return json.dumps([told["rule"], told["weight"], told["message"]])


def _sentences(these: dict[str, dict[str, str]], without: Iterable[str]) -> list[str]:
    return [f"{one['rule']} ({one['weight']}): {one['message']}" for key, one in these.items() if key not in without]


def _found_by(
    rule: Rule, level: str, subject: Subject, exemption: LintExemption | None, writers: Collection[int]
) -> list[Finding]:
    own = exemption is not None and exemption.granted_by_id in writers
    lines = subject.sql.splitlines()
    findings = []
    for found in rule.each(subject):
        line, column = position(subject.sql, found.at)
        code = lines[line - 1].strip()[:LONGEST_LINE] if line <= len(lines) else ""
        findings.append(Finding(rule, Level(level), found.message, line, column, found.at, code, exemption, own))
    return findings


def _why_not(sql: str, problem: str) -> str:
    if not sql.strip():
        return "There is no text to look at yet."
    return {
        "too large": f"Lint could not look: the text is over {LARGEST_BYTES // 1024} kB.",
        "too complex": "Lint could not look: the text is too complex to be parsed here.",
        "parser unavailable": "Lint could not look: the HogQL grammar is not installed here.",
    }.get(problem, "Lint could not look: the text does not parse yet.")
