"""The cast and the services of the suite."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import settings

from tests import emptying, migrated
from tests.broker import embedded_broker
from tests.running import portal
from tests.snapshots import mirrored, new_world
from tests.syncing import sync
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.sandbox.server import SandboxServer

__all__ = ["portal"]  # one running portal for every folder that asks for it
PASSWORD = "a-good-password-1"
PURE = frozenset({"core", "lineage", "posthog", "sandbox"})
SERVICES = frozenset({"db", "transactional_db", "django_db_reset_sequences", "live_server", "portal"})
gc.set_threshold(50_000, 20, 50)  # the heap is large and stays: looking through it for cycles was a sixth of the time
settings.register_profile("suite", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("suite")


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None, django_db_blocker: Any) -> bool:
    """Whether the test database is there already: as a copy of one that another process has migrated."""
    with django_db_blocker.unblock():
        return migrated.is_copied()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_keepdb: bool, django_db_blocker: Any) -> Iterator[None]:
    """The new test database, and how it is emptied after tests that commit."""
    with django_db_blocker.unblock():
        if not django_db_keepdb:
            migrated.keep()
        emptying.install()
    yield
    if django_db_keepdb:
        with django_db_blocker.unblock():
            migrated.drop_copy()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses neither database nor broker: where all has passed once, other services change nothing for it."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        room = item.path.relative_to(Path(__file__).parent).parts[0]
        if room in PURE and not names & SERVICES and not item.get_closest_marker("django_db"):
            item.add_marker("pure")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of the processes of a run the one that started the others ends last."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        migrated.drop_kept()


@pytest.fixture(scope="session", autouse=True)
def broker() -> Iterator[None]:
    with embedded_broker():
        yield


@pytest.fixture(autouse=True)
def empty_cache(broker: None) -> None:
    from django.core.cache import cache

    from warehouse_admin.accounts import endpoint_use

    cache.clear()
    endpoint_use.forget_written()


@pytest.fixture(scope="session", autouse=True)
def remove_test_folder() -> Iterator[None]:
    yield
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ["PORTAL_TEST_DIR"], ignore_errors=True)


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Make a person with the given roles."""

    def make(name: str, *roles: Role) -> User:
        user = User.objects.create_user(username=name, email=f"{name}@example.com", password=PASSWORD)
        for role in roles:
            give_role(user, role)
        return user

    return make


@pytest.fixture
def author(person: Callable[..., User]) -> User:
    return person("author", Role.EDITOR)


@pytest.fixture
def reviewer(person: Callable[..., User]) -> User:
    return person("reviewer", Role.REVIEWER)


@pytest.fixture
def operator(person: Callable[..., User]) -> User:
    return person("operator", Role.OPERATOR)


@pytest.fixture
def auditor(person: Callable[..., User]) -> User:
    return person("auditor", Role.AUDITOR)


@pytest.fixture
def admin(person: Callable[..., User]) -> User:
    return person("admin", Role.ADMIN)


@pytest.fixture
def viewer(person: Callable[..., User]) -> User:
    return person("viewer", Role.VIEWER)


@pytest.fixture
def outsider(person: Callable[..., User]) -> User:
    """Signed in, without any role."""
    return person("outsider")


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(world=new_world()) as server:
        yield server


@pytest.fixture
def connection(db: None, sandbox: SandboxServer) -> Connection:
    return Connection.objects.create(
        slug="demo",
        name="Demo",
        host=sandbox.url,
        project_id=str(sandbox.project_id),
        api_key=sandbox.key,
        budget_per_minute=0,
        budget_per_hour=0,
    )


@pytest.fixture
def synced(sandbox: SandboxServer, connection: Connection) -> Connection:
    """The connection, mirrored once."""
    if not SyncRun.objects.exists():
        mirrored("synced", sandbox, connection, lambda: _sync(connection))
    connection.refresh_from_db()
    return connection


def _sync(connection: Connection) -> None:
    sync(connection, SyncRun.Kind.FULL)


@pytest.fixture
def generation(sandbox: SandboxServer, connection: Connection) -> Callable[[str], Connection]:
    """Make the server one of another generation, look what its key may do, and mirror it."""

    def make(name: str) -> Connection:
        sandbox.world.set_generation(name)
        mirrored("generation", sandbox, connection, lambda: _check_and_sync(connection))
        connection.refresh_from_db()
        return connection

    return make


def _check_and_sync(connection: Connection) -> None:
    accounts.check_connection(connection)
    sync(connection, SyncRun.Kind.FULL)


@pytest.fixture
def view_named(synced: Connection) -> Callable[[str], SavedQuery]:
    def get(name: str) -> SavedQuery:
        return SavedQuery.objects.present().get(connection=synced, name=name)

    return get
