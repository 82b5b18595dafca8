"""Names that a view or table may have, and who has them already."""

from __future__ import annotations

from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.lineage.builtins import BUILTIN_TABLES
from warehouse_admin.lineage.naming import is_reserved
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.posthog import names


def problem_with(name: str, connection: Connection, *, besides: SavedQuery | None = None) -> str:
    """Why PostHog would refuse this name, and what to do; empty when nothing is known against it."""
    if not name:
        return "Give it a name."
    if len(name) > names.LONGEST:
        return f"At most {names.LONGEST} characters, please; this has {len(name):,}."
    if not names.is_valid(name):
        return "Use letters, digits, “_”, “.” and “$” only, and begin with a letter, “_” or “$”."
    if audit.holds_key(name):
        return HOLDS_KEY
    return _taken(name, connection, besides)


def cautions_about(
    name: str, connection: Connection, *, besides: SavedQuery | WarehouseTable | None = None
) -> list[str]:
    """What makes a name that PostHog takes hard to live with."""
    found = []
    if not names.is_plain(name):
        found.append(
            f"Queries have to quote this name ({_quoted(name)}). Letters, digits and “_” alone save everybody that."
        )
    elif is_reserved(name):
        found.append(
            f"{name} is a word of the query language. Queries may have to quote it ({_quoted(name)}) to read this; "
            "another name saves everybody that."
        )
    if other := _differing_in_case(name, connection, besides):
        found.append(f"There is {other} already: the two names differ in letter case alone and are easily mixed up.")
    return found


def problem_with_table(name: str, connection: Connection, *, besides: WarehouseTable | None = None) -> str:
    """The same of a warehouse table, whose name PostHog lets have any characters."""
    if not name:
        return "Give it a name."
    if len(name) > names.LONGEST:
        return f"At most {names.LONGEST} characters, please; this has {len(name):,}."
    if not name.isprintable():
        return "Leave out characters that are not seen, such as tabs and line breaks."
    if besides is None or name != besides.name:
        if audit.holds_key(name):
            return HOLDS_KEY
        return _unreadable(name) or _taken(name, connection, besides)
    return ""


def _unreadable(name: str) -> str:
    """Why no query could read a new table of this name; one that has it already keeps it."""
    if "`" in name:
        return "Leave out the “`”: queries put it around names, and can hardly read this one."
    if not all(part.strip() for part in name.split(".")):
        return "A dot stands between two parts of a name, and one of these parts is empty: leave the dot out."
    return ""


def _quoted(name: str) -> str:
    """As a query has it; there are names with backticks that were not given here."""
    return "`{}`".format(name.replace("\\", "\\\\").replace("`", "\\`"))


def _differing_in_case(name: str, connection: Connection, besides: SavedQuery | WarehouseTable | None) -> str:
    """The view, table or built-in that this name could be taken for; empty for none."""
    former = besides.name if besides else ""
    for kind, model in (("a view", SavedQuery), ("a warehouse table", WarehouseTable)):
        alike = (
            model.objects.present().filter(connection=connection, name__iexact=name).exclude(name__in=(name, former))
        )
        if found := alike.values_list("name", flat=True).first():
            return f"{kind} {found}"
    built_in = next((one for one in BUILTIN_TABLES if one.lower() == name.lower() and one != name), "")
    return f"a table {built_in} of PostHog's own" if built_in else ""


def _taken(name: str, connection: Connection, besides: SavedQuery | WarehouseTable | None) -> str:
    if name in BUILTIN_TABLES:
        return f"PostHog has a table {name} of its own. Choose another name."
    views = SavedQuery.objects.present().filter(connection=connection, name=name)
    if views.exclude(pk=besides.pk if isinstance(besides, SavedQuery) else 0).exists():
        return f"There is a view {name} already. Choose another name, or edit that view."
    tables = WarehouseTable.objects.present().filter(connection=connection, name=name)
    if tables.exclude(pk=besides.pk if isinstance(besides, WarehouseTable) else 0).exists():
        return f"There is a warehouse table {name} already. Choose another name."
    return ""
