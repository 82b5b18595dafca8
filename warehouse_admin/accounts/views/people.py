"""People and their roles: for administrators only."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from warehouse_admin.accounts import policies, selectors, services
from warehouse_admin.accounts.forms import PersonForm
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import MANAGE_PEOPLE, Role, roles_of
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import Missing, NotPermitted, UserError
from warehouse_admin.core.htmx import render_page
from warehouse_admin.core.paging import page_of

PAGE_SIZE = 50


@require_GET
def people_list(request: HttpRequest) -> HttpResponse:
    if not policies.allows(request.user, MANAGE_PEOPLE):  # as the roles were read with the person for this page
        _require(request, "person.list")
    query = request.GET.get("q", "").replace("\x00", "")[:200].strip()
    page = page_of(selectors.people(query), PAGE_SIZE, request.GET.get("page"), searched=query)
    rows = [{"person": person, "roles": _labels(person)} for person in page.object_list]
    return render_page(request, "accounts/people_list.html", "accounts/_people.html", {"page": page, "rows": rows})


@never_cache
@require_http_methods(["GET", "POST"])
def person_new(request: HttpRequest) -> HttpResponse:
    _require(request, "person.created")
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user, password = services.create_person(actor=request.user, **form.cleaned_data)  # type: ignore[arg-type]
        except NotPermitted:
            raise
        except UserError as error:
            form.add_refusal(error)
        else:
            return _show_password(request, user, password)
    return render(request, "accounts/person_form.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def person_edit(request: HttpRequest, pk: int) -> HttpResponse:
    person = _get(request, pk, "person.updated")
    start = {
        "full_name": person.get_full_name(),
        "email": person.email,
        "roles": [role.value for role in roles_of(person)],
        "is_active": person.is_active,
    }
    form = PersonForm(request.POST or None, initial=start, editing=True)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_person(actor=request.user, user=person, **form.cleaned_data)  # type: ignore[arg-type]
        except NotPermitted:
            raise
        except UserError as error:
            form.add_refusal(error)
        else:
            messages.success(request, f"Saved {person.username}.")
            return redirect("accounts:people-list")
    context = {"form": form, "person": person, "tokens": selectors.tokens_of(person)}
    return render(request, "accounts/person_form.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
def person_password(request: HttpRequest, pk: int) -> HttpResponse:
    person = _get(request, pk, "person.password_reset")
    password = services.reset_password(actor=request.user, user=person)  # type: ignore[arg-type]
    return _show_password(request, person, password)


def _show_password(request: HttpRequest, person: User, password: str | None) -> HttpResponse:
    # In the answer to the POST itself: a redirect would have to keep the password somewhere.
    return render(request, "accounts/person_password.html", {"person": person, "password": password})


def _labels(person: User) -> list[str]:
    held = roles_of(person)
    return [role.label for role in Role if role in held]


def _require(request: HttpRequest, action: str, target: Target | None = None) -> None:
    policies.require(request.user, MANAGE_PEOPLE, action=action, target=target)  # type: ignore[arg-type]


def _get(request: HttpRequest, pk: int, action: str) -> User:
    _require(request, action, Target("user", str(pk)))
    person = User.objects.filter(pk=pk).first() if pk < 2**63 else None
    if person is None:
        raise Missing("There is no such person.")
    return person
