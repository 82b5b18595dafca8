"""People: added, given roles, deactivated, by administrators and never by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD
from warehouse_admin.accounts import services
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import Role, give_role, roles_of
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError

ClientOf = Callable[[User], Client]


def change(actor: User, user: User, *roles: Role, is_active: bool = True) -> User:
    return services.update_person(
        actor=actor, user=user, email=user.email, full_name=user.get_full_name(), roles=roles, is_active=is_active
    )


def test_an_added_person_can_sign_in_with_the_password_shown_once(
    admin: User, client_of: ClientOf, client: Client
) -> None:
    form = {"username": "nina", "full_name": "Nina Berg", "email": "nina@example.com", "roles": ["editor", "reviewer"]}
    page = client_of(admin).post(reverse("accounts:person-new"), form)
    password = page.context["password"]

    assert password in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    client.post("/accounts/login/", {"login": "nina", "password": password})
    assert "_auth_user_id" in client.session
    entry = AuditEntry.objects.get(action="person.created")
    assert (entry.actor, entry.object_name) == (admin, "nina")
    assert entry.after["roles"] == ["editor", "reviewer"]
    assert password not in str(vars(entry))


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"username": "AUTHOR"}, "username"),
        ({"username": "system"}, "username"),
        ({"username": "x@example.com"}, "username"),
        ({"username": "has space"}, "username"),
        ({"username": "nina", "email": "Author@example.com"}, "email"),
        ({"username": "nina", "email": "no-address"}, "email"),
    ],
)
def test_a_bad_name_or_address_is_refused_in_words_and_what_was_typed_stays(
    admin: User, author: User, client_of: ClientOf, form: dict[str, str], field: str
) -> None:
    page = client_of(admin).post(reverse("accounts:person-new"), {**form, "full_name": "Typed Name"})

    assert page.status_code == 422
    assert page.context["form"].errors[field]
    assert "Typed Name" in page.content.decode()
    assert User.objects.count() == 2


def test_roles_are_changed_and_the_change_is_recorded(admin: User, author: User, client_of: ClientOf) -> None:
    form = {"full_name": "A. Author", "email": author.email, "roles": ["operator"], "is_active": "on"}
    client_of(admin).post(reverse("accounts:person-edit", args=[author.pk]), form)

    assert roles_of(User.objects.get(pk=author.pk)) == {Role.OPERATOR}
    entry = AuditEntry.objects.get(action="person.role_changed")
    assert (entry.before["roles"], entry.after["roles"]) == (["editor"], ["operator"])


def test_a_deactivated_person_loses_the_session_at_once(admin: User, author: User, client_of: ClientOf) -> None:
    client = client_of(author)
    assert client.get(reverse("accounts:settings")).status_code == 200

    change(admin, author, Role.EDITOR, is_active=False)
    assert client.get(reverse("accounts:settings")).status_code == 302
    assert AuditEntry.objects.get(action="person.updated").after["is_active"] is False


def test_nobody_changes_their_own_roles(admin: User, person: Callable[..., User]) -> None:
    person("second", Role.ADMIN)

    with pytest.raises(UserError, match="their own"):
        change(admin, admin, Role.ADMIN, Role.OPERATOR)
    assert roles_of(User.objects.get(pk=admin.pk)) == {Role.ADMIN}


def test_people_may_correct_their_own_name(admin: User) -> None:
    services.update_person(
        actor=admin, user=admin, email=admin.email, full_name="Ada Lovelace", roles=[Role.ADMIN], is_active=True
    )
    assert User.objects.get(pk=admin.pk).get_full_name() == "Ada Lovelace"


@pytest.mark.parametrize(("roles", "is_active"), [((), True), ((Role.ADMIN,), False)])
def test_the_last_administrator_stays(admin: User, roles: tuple[Role, ...], is_active: bool) -> None:
    with pytest.raises(UserError, match="last administrator"):
        services.update_person(
            actor=None, user=admin, email=admin.email, full_name="", roles=roles, is_active=is_active
        )
    fresh = User.objects.get(pk=admin.pk)
    assert fresh.is_active and roles_of(fresh) == {Role.ADMIN}


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_demote_each_other_do_not_both_succeed() -> None:
    first, second = User.objects.create_user("first"), User.objects.create_user("second")
    give_role(first, Role.ADMIN)
    give_role(second, Role.ADMIN)
    start, refused = threading.Barrier(2), []

    def demote(actor: User, user: User) -> None:
        try:
            start.wait(5)
            change(actor, user, Role.VIEWER)
        except UserError as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=demote, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    left = [user for user in User.objects.all() if Role.ADMIN in roles_of(user)]
    assert len(left) == 1 and len(refused) == 1


def test_a_new_password_ends_the_sessions(admin: User, author: User, client_of: ClientOf, client: Client) -> None:
    client.post("/accounts/login/", {"login": "author", "password": PASSWORD})
    page = client_of(admin).post(reverse("accounts:person-password", args=[author.pk]))

    assert client.get(reverse("accounts:settings")).status_code == 302
    assert User.objects.get(pk=author.pk).check_password(page.context["password"])
    assert AuditEntry.objects.filter(action="person.password_reset", actor=admin).exists()


@pytest.mark.parametrize("name", ["author", "reviewer", "operator", "auditor", "viewer"])
def test_only_administrators_see_and_change_people(
    request: pytest.FixtureRequest, admin: User, client_of: ClientOf, name: str
) -> None:
    user: User = request.getfixturevalue(name)
    client = client_of(user)

    assert client.get(reverse("accounts:people-list")).status_code == 403
    assert client.post(reverse("accounts:person-new"), {"username": "nina"}).status_code == 403
    assert client.post(reverse("accounts:person-password", args=[admin.pk])).status_code == 403
    assert not User.objects.filter(username="nina").exists()
    denied = AuditEntry.objects.filter(result="denied", actor=user).values_list("action", flat=True)
    assert set(denied) == {"person.list", "person.created", "person.password_reset"}


def test_the_services_refuse_too(author: User, viewer: User) -> None:
    viewer.is_superuser = True
    viewer.save()
    for actor in (author, viewer):
        with pytest.raises(NotPermitted):
            services.create_person(actor=actor, username="nina")
        with pytest.raises(NotPermitted):
            change(actor, actor, Role.ADMIN)
        with pytest.raises(NotPermitted):
            services.reset_password(actor=actor, user=viewer)


def test_a_weak_password_is_refused(db: None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        services.create_person(actor=None, username="nina", password="password")
    assert "password" in refusal.value.errors


@pytest.mark.parametrize("rows", [10, 60])
def test_the_list_costs_the_same_whatever_its_length(
    admin: User, client_of: ClientOf, person: Callable[..., User], django_assert_max_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        person(f"person{number}", Role.EDITOR, Role.REVIEWER)
    client = client_of(admin)

    with django_assert_max_num_queries(12):
        assert client.get(reverse("accounts:people-list")).status_code == 200


def test_a_search_looks_into_names_and_addresses(admin: User, author: User, client_of: ClientOf) -> None:
    page = client_of(admin).get(reverse("accounts:people-list"), {"q": "author@EXAMPLE"})

    assert [row["person"].username for row in page.context["rows"]] == ["author"]
