"""Who may do what, as one table: role × action × expected, through the pages that people use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.activity import services as activity
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services as changes
from warehouse_admin.changes.models import ChangeRequest, Thread
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery, SyncRun

V, E, R, O, U, A = Role.VIEWER, Role.EDITOR, Role.REVIEWER, Role.OPERATOR, Role.AUDITOR, Role.ADMIN  # noqa: E741
NEW_SQL = "SELECT 1 AS changed_by_the_permission_test"


@dataclass
class World:
    """What the actions are tried on; nothing here belongs to the person who tries."""

    connection: Connection
    view: SavedQuery
    suspended: SavedQuery
    change: ChangeRequest
    approved: ChangeRequest
    objected: ChangeRequest
    withdrawn: ChangeRequest
    thread: Thread
    entry: ActivityEntry
    sync: SyncRun


@pytest.fixture
def world(synced: Connection, person: Callable[..., User], view_named: Callable[[str], SavedQuery]) -> World:
    somebody, other = person("somebody", Role.EDITOR), person("other", Role.REVIEWER)
    synced.apply_policy = Connection.ApplyPolicy.MANUAL
    synced.save()

    def proposed(name: str) -> ChangeRequest:
        return changes.create(author=somebody, saved_query=view_named(name), query=NEW_SQL, reason="why", submit=True)

    approved = proposed("int_sessions")
    changes.approve(approved, other, "")
    activity.ingest(synced)
    sync = mirror.start_sync(connection=synced, kind=SyncRun.Kind.INCREMENTAL)
    SyncRun.objects.filter(pk=sync.pk).update(state=SyncRun.State.RUNNING)
    waiting = proposed("int_orders_enriched")
    where = {"revision": 1, "side": "proposal", "place": (1, 1)}
    return World(
        thread=changes.open_thread(waiting, other, changes.Said("why?"), **where),
        connection=synced,
        view=view_named("stg_stripe_charges"),
        suspended=view_named("int_account_health"),
        change=waiting,
        approved=approved,
        objected=changes.request_changes(proposed("int_account_health"), other, "why"),
        withdrawn=changes.withdraw(proposed("int_account_health"), somebody),
        entry=ActivityEntry.objects.first() or pytest.fail("the sandbox has a history"),
        sync=sync,
    )


Request = Callable[[World], tuple[str, dict[str, Any]]]


def page(name: str, /, *args: Any, **data: Any) -> tuple[str, dict[str, Any]]:
    return reverse(name, args=args), data


POSTS: dict[str, tuple[Request, set[Role]]] = {
    "propose a change": (
        lambda w: page("changes:propose", w.view.posthog_id, query=NEW_SQL, reason="why", do="propose"),
        {E, R, O, A},
    ),
    "save a draft": (lambda w: page("changes:view-draft", w.view.posthog_id, query="SELECT", draft=0), {E, R, O, A}),
    "save a draft of another's change": (lambda w: page("changes:draft", w.change.pk, query="SELECT", draft=0), set()),
    "approve": (lambda w: page("changes:approve", w.change.pk, **_shown(w.change)), {R}),
    "request changes": (
        lambda w: page("changes:request-changes", w.change.pk, comment="no", **_shown(w.change)),
        {R},
    ),
    "reject": (lambda w: page("changes:reject", w.change.pk, comment="no", **_shown(w.change)), {R, A}),
    "withdraw another's": (lambda w: page("changes:withdraw", w.change.pk, comment="no"), {A}),
    "revise another's": (lambda w: page("changes:revise", w.change.pk, query="SELECT 2", revision=1), set()),
    "comment": (lambda w: page("changes:comment", w.change.pk, comment="hm"), set(Role)),
    "comment on a line": (
        lambda w: page("changes:line", w.change.pk, 1, "proposal", 1, comment="hm", last="1"),
        set(Role),
    ),
    "reply in a thread": (lambda w: page("changes:thread-reply", w.change.pk, w.thread.pk, comment="hm"), set(Role)),
    "resolve another's thread": (lambda w: page("changes:thread-resolve", w.change.pk, w.thread.pk), {R}),
    "accept what was suggested for another's": (
        lambda w: page("changes:accept-suggestions", w.change.pk, suggestions=w.thread.pk, revision=1),
        set(),
    ),
    "ask again about another's": (lambda w: page("changes:re-request", w.objected.pk), set()),
    "dismiss an objection": (lambda w: page("changes:dismiss", w.objected.pk, "other", comment="why"), {A}),
    "name co-authors of another's": (lambda w: page("changes:co-authors", w.change.pk, add="other"), set()),
    "open another's again": (lambda w: page("changes:reopen", w.withdrawn.pk), set()),
    "schedule": (
        lambda w: page("changes:schedule", w.approved.pk, date=_tomorrow(), time="10:00", zone="UTC"),
        {O},
    ),
    "apply": (lambda w: page("changes:apply", w.approved.pk), {O}),
    "refresh a view": (lambda w: page("mirror:view-refresh", w.view.posthog_id), {E, R, O, A}),
    "compare lineage with PostHog": (lambda w: page("mirror:view-compare", w.view.posthog_id), {E, R, O, A}),
    "certify a view": (
        lambda w: page("catalog:trust-view", w.view.posthog_id, **{"do": "certify", "certify-seen": w.view.query_hash}),
        {R, A},
    ),
    "stop a sync": (lambda w: page("mirror:sync-stop", w.sync.pk), {E, O, A}),
    "resume schedules": (
        lambda w: page("schedules:resume", saved_queries=[w.suspended.posthog_id], reason="why", confirmed="1"),
        {O, A},
    ),
    "run a view": (lambda w: page("schedules:run", w.suspended.posthog_id, reason="why"), {O, A}),
    "review activity": (lambda w: page("activity:review", w.entry.pk, verdict="accepted", note="ok"), {R, O, U, A}),
    "share a filter of the log": (
        lambda w: page("audit:filters", name="Denied", query="result=denied", shared="on"),
        {U, A},
    ),
    "keep a filter of the log": (lambda w: page("audit:filters", name="Denied", query="result=denied"), set(Role)),
    "check a connection": (lambda w: page("accounts:connection-check", w.connection.slug), {A}),
    "add a person": (lambda w: page("accounts:person-new", username="new.person", roles=["viewer"]), {A}),
}
GETS: dict[str, tuple[Request, set[Role]]] = {
    "views": (lambda w: page("mirror:view-list"), set(Role)),
    "a view": (lambda w: page("mirror:view-detail", w.view.posthog_id), set(Role)),
    "changes": (lambda w: page("changes:list"), set(Role)),
    "a change": (lambda w: page("changes:detail", w.change.pk), set(Role)),
    "schedules": (lambda w: page("schedules:list"), set(Role)),
    "activity": (lambda w: page("activity:list"), set(Role)),
    "audit": (lambda w: page("audit:list"), set(Role)),
    "syncs": (lambda w: page("mirror:sync-list"), set(Role)),
    "connections": (lambda w: page("accounts:connection-list"), {A}),
    "what PostHog offers": (lambda w: page("accounts:connection-coverage", w.connection.slug), {A}),
    "people": (lambda w: page("accounts:people-list"), {A}),
}


def _tomorrow() -> str:
    return f"{timezone.now() + timedelta(days=1):%Y-%m-%d}"


def _shown(change: ChangeRequest) -> dict[str, Any]:
    revision = change.revisions.latest("number")
    return {"revision": revision.number, "digest": revision.digest}


@pytest.fixture
def cast(person: Callable[..., User], client_of: Callable[[User], Client]) -> dict[Role | None, tuple[User, Client]]:
    """One person for each role, and one without any."""
    people = {role: person(f"only-{role}", role) for role in Role} | {None: person("only-nobody")}
    return {role: (user, client_of(user)) for role, user in people.items()}


@pytest.mark.parametrize("action", POSTS)
def test_posting(action: str, world: World, cast: dict[Role | None, tuple[User, Client]]) -> None:
    request, allowed = POSTS[action]
    url, data = request(world)
    for role, (user, client) in cast.items():
        with transaction.atomic():
            response = client.post(url, data)
            denials = AuditEntry.objects.filter(actor=user, result="denied").count()
            transaction.set_rollback(True)  # the next role finds the same world
        if role in allowed:
            assert response.status_code < 400, (role, response.content.decode()[:2000])
            assert denials == 0
        else:
            assert response.status_code == 403, role
            assert denials == (1 if role else 0)


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role or "no role")
def test_looking(role: Role | None, world: World, cast: dict[Role | None, tuple[User, Client]]) -> None:
    _, client = cast[role]
    got = {name: client.get(request(world)[0]).status_code for name, (request, _) in GETS.items()}
    assert got == {name: 200 if role in allowed else 403 for name, (_, allowed) in GETS.items()}


def test_nobody_signed_in_is_sent_to_the_sign_in_page(world: World) -> None:
    for name, (request, _) in (POSTS | GETS).items():
        url, data = request(world)
        response = Client().post(url, data) if name in POSTS else Client().get(url)
        if response.status_code == 401:  # something was typed: it is given back, with the way to the sign-in page
            assert 'href="' + reverse("account_login") in response.content.decode(), name
        else:
            assert response.status_code == 302, name
            assert response.url.startswith(reverse("account_login"))


def test_being_a_superuser_adds_nothing(world: World, cast: dict[Role | None, tuple[User, Client]]) -> None:
    user, client = cast[Role.VIEWER]
    User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
    url, data = POSTS["approve"][0](world)
    assert client.post(url, data).status_code == 403
    assert client.get(reverse("accounts:people-list")).status_code == 403
