"""Names in a query that nothing in the mirror answers to; what PostHog knows beyond it, nobody can tell from here."""

from __future__ import annotations

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.builtins import BUILTIN_TABLES
from warehouse_admin.lineage.catalog import Catalog
from warehouse_admin.lineage.checks import Problem
from warehouse_admin.lineage.parser import parse, position
from warehouse_admin.lineage.resolve import Use, resolve
from warehouse_admin.lineage.sources import sources
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

_SYSTEM = "system."


def unresolved(connection: Connection, sql: str) -> list[str]:
    """Names that the query certainly reads and the mirror does not know, in the order in which they are read.

    None where the list of tables was never read: then no name that is no view can be told from a table.
    """
    return [name for name, _ in _found(connection, sql)]


def unresolved_places(connection: Connection, sql: str) -> list[Problem]:
    """The same for an editor: a warning at the place where each is first read."""
    return [
        Problem(f"The mirror knows no view or table {name}.", *position(sql, offset), offset, level="warning")
        for name, offset in _found(connection, sql)
    ]


def unknown_columns(connection: Connection, sql: str) -> list[Problem]:
    """Warnings at names that no column of what the query reads has, or more than one, as far as the mirror knows them.

    Of sources whose columns nobody has listed nothing is said.
    """
    tree = parse(sql).tree
    if tree is None:
        return []
    catalog = Catalog(connection)
    catalog.learn(sources(sql).names)
    found: dict[int, Problem] = {}
    for use in resolve(tree, catalog.columns).uses:
        if told := _why(use):
            offset = use.at // 2  # places count twice: what is expanded stands between two
            found.setdefault(offset, Problem(told, *position(sql, offset), offset, level="warning"))
    return list(found.values())


def _why(use: Use) -> str:
    if use.meaning.fault == "missing":
        return f"What is read here has no column {use.text}, as far as the mirror knows."
    if use.meaning.fault == "ambiguous":
        return f"{use.text} could be {use.meaning.target}: say which."
    return ""


def _found(connection: Connection, sql: str) -> list[tuple[str, int]]:
    read = sources(sql)
    if not read.complete:
        return []
    wanted = {name: _spellings(name) for name in read.names if not _is_builtin(name)}
    known = _known(connection, {spelling for spellings in wanted.values() for spelling in spellings})
    missing = {name for name, spellings in wanted.items() if not spellings & known}
    if not missing or not _tables_were_read(connection):
        return []
    return [(name, at) for name, at in zip(read.names, read.offsets, strict=True) if name in missing]


def _is_builtin(name: str) -> bool:
    return name in BUILTIN_TABLES or name.startswith(_SYSTEM)


def _spellings(name: str) -> set[str]:
    """A table of a source is also read as `source.table`, or `source.prefix.table`: by parts of its mirrored name."""
    parts = name.split(".")
    spellings = {name, "_".join(parts)}
    if len(parts) == 3:
        source, prefix, table = parts
        spellings |= {f"{prefix}{source}_{table}", f"{prefix}_{source}_{table}"}
    return spellings


def _known(connection: Connection, names: set[str]) -> set[str]:
    if not names:
        return set()
    found: set[str] = set()
    for model in (SavedQuery, WarehouseTable):
        rows = model.objects.present().filter(connection=connection, name__in=names)
        found.update(rows.values_list("name", flat=True))
    return found


def _tables_were_read(connection: Connection) -> bool:
    return accounts.capability(connection, "tables").state != "no" and mirror.tables_were_read(connection)
