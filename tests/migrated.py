"""One migrated test database for all processes of a run: the first makes it, the others copy it.

A hundred migrations take each process many seconds, and the processes share few cores.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO, Any

from django.db import connections

_MADE, _LOCK = "migrated", "migrating"
_held: list[IO[str]] = []


def is_copied() -> bool:
    """Give this process a copy of what another has migrated; False where it is the first, which then calls `keep`."""
    _held.append((_folder() / _LOCK).open("w"))
    fcntl.flock(_held[0], fcntl.LOCK_EX)
    if not (_folder() / _MADE).exists():
        return False
    _copy(_template(), _name())
    _let_go()
    return True


def keep() -> None:
    """Let the others copy the test database of this process, which was just migrated."""
    database = connections["default"]
    database.close()
    _copy(_name(), _template())
    (_folder() / _MADE).touch()
    _let_go()


def drop_copy() -> None:
    """Take away the copy of this process at its end."""
    database = connections["default"]
    database.close()
    _drop(_name())


def drop_kept() -> None:
    """Take away what was copied from; call it once, when no process needs it any more."""
    if (_folder() / _MADE).exists():
        _drop(_template())
        (_folder() / _MADE).unlink()


def _folder() -> Path:
    return Path(os.environ["PORTAL_TEST_DIR"])


def _let_go() -> None:
    while _held:
        _held.pop().close()


def _name() -> str:
    return str(connections["default"].creation._get_test_db_name())


def _template() -> str:
    if connections["default"].vendor == "sqlite":
        return str(_folder() / "migrated.sqlite3")
    name: str = connections["default"].settings_dict["TEST"]["NAME"]
    return name.partition("_gw")[0] + "_migrated"


def _copy(source: str, target: str) -> None:
    if connections["default"].vendor == "sqlite":
        shutil.copyfile(source, target)  # nobody has it open, so that nothing of it is beside it
        return
    _drop(target)
    _on_server(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')


def _drop(name: str) -> None:
    if connections["default"].vendor == "sqlite":
        Path(name).unlink(missing_ok=True)
        return
    _on_server(f'DROP DATABASE IF EXISTS "{name}"')


def _on_server(statement: str) -> None:
    """Beside the test database, and also when no test is running that may use one."""
    database: Any = connections["default"]
    server = database.get_new_connection({**database.get_connection_params(), "dbname": "postgres"})
    try:
        server.autocommit = True
        server.execute(statement)
    finally:
        server.close()
