"""The pages of lint: the rules, one rule, exemptions, and what is found in the text of a view."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import EXEMPT, MANAGE_CONNECTIONS
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.core.htmx import render_page
from warehouse_admin.lineage.lint import selectors, services
from warehouse_admin.lineage.lint.base import Rule
from warehouse_admin.lineage.lint.forms import ExemptForm, LevelForm, ReasonForm
from warehouse_admin.lineage.lint.links import page_to_exempt
from warehouse_admin.lineage.lint.report import look_at
from warehouse_admin.lineage.lint.rules import RULES, rule_of
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery

PAGE_SIZE = 25


@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule, and where it weighs something else than by itself."""
    words = selectors.words()
    return render(request, "lint/rules.html", {"rows": [(rule, words.get(rule.id, [])) for rule in RULES.values()]})


@require_GET
def rule(request: HttpRequest, rule: str) -> HttpResponse:
    """Why a rule is there, how to keep it, what it weighs, and who need not."""
    found = rule_of(rule)
    return _rule_page(request, found, LevelForm(initial={"level": found.level}))


@require_POST
def set_level(request: HttpRequest, rule: str) -> HttpResponse:
    found, form = rule_of(rule), LevelForm(request.POST)
    if not form.is_valid():
        return _rule_page(request, found, form, status=422)
    try:
        services.set_level(actor=_person(request), rule=found.id, **form.cleaned_data)
    except NotPermitted:
        raise
    except UserError as error:
        form.add_refusal(error)
        return _rule_page(request, found, form, status=422)
    chosen = form.cleaned_data
    word = dict(form.fields["level"].choices)[chosen["level"]].lower()  # type: ignore[attr-defined]
    messages.success(request, f"{found.title}: {word} in {chosen['connection'].name} from now on.")
    return redirect("lint:rule", found.id)


@require_http_methods(["GET", "POST"])
def exempt(request: HttpRequest, rule: str) -> HttpResponse:
    """Exempt a view from a rule; for those who may not, the address to send to somebody who may."""
    found = rule_of(rule)
    view, connection, name = _about(request)
    form = ExemptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        about: dict[str, Any] = {"view": view} if view else {"connection": connection, "name": name}
        try:
            granted = services.exempt(actor=_person(request), rule=found.id, **about, **form.cleaned_data)
        except NotPermitted:
            raise
        except UserError as error:
            form.add_refusal(error)
        else:
            messages.success(request, f"{granted.view_name} need not keep “{found.title}”.")
            return redirect("lint:of-view", view.posthog_id) if view else redirect("lint:rule", found.id)
    standing = selectors.exemptions_of(connection, view, name)
    context = {
        "rule": found,
        "view": view,
        "connection": connection,
        "name": view.name if view else name,
        "form": form,
        "may_exempt": services.may_exempt(_person(request)),
        "who_may": policies.who_may(EXEMPT),
        "address": request.build_absolute_uri(page_to_exempt(found.id, connection, view, "" if view else name)),
        "standing": next((one for one in standing if one.rule == found.id), None),
    }
    return render(request, "lint/exempt.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, key: int) -> HttpResponse:
    """Take an exemption back."""
    exemption = selectors.exemption(key)
    policies.require(_person(request), EXEMPT, action="lint.exemption_revoked")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.revoke(actor=_person(request), exemption=exemption, **form.cleaned_data)
        except UserError as error:
            form.add_refusal(error)
        else:
            messages.success(request, f"The rule counts again for {exemption.view_name}.")
            return redirect("lint:rule", exemption.rule)
    context = {"exemption": exemption, "rule": RULES.get(exemption.rule), "form": form}
    return render(request, "lint/revoke.html", context, status=422 if form.errors else 200)


@require_GET
def of_view(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """What is found in the present text of a view; as a fragment, the card on its page."""
    view = mirror.view_by_id(posthog_id)
    person = _person(request)
    context = {"view": view, "lint": look_at(view), "may_exempt": services.may_exempt(person)}
    return render_page(request, "lint/of_view.html", "lint/_card.html", context)


def _rule_page(request: HttpRequest, found: Rule, form: LevelForm, *, status: int = 200) -> HttpResponse:
    may_weigh = policies.allows(request.user, MANAGE_CONNECTIONS)
    context = {
        "rule": found,
        "weighed": selectors.weighed(found, _connections()),
        "form": form if may_weigh else None,
        "page": Paginator(selectors.exemptions_from(found), PAGE_SIZE).get_page(request.GET.get("page")),
        "may_exempt": services.may_exempt(_person(request)),
        "who_may": policies.who_may(EXEMPT),
    }
    return render_page(request, "lint/rule.html", "lint/_exemptions.html", context, status=status)


def _about(request: HttpRequest) -> tuple[SavedQuery | None, Connection, str]:
    """The view of an address, or the connection and name of one that is not made yet."""
    given = request.GET.get("view", "")
    if given:
        try:
            view = mirror.view_by_id(uuid.UUID(given), request.GET.get("connection", ""))
        except ValueError:
            raise InvalidInput("The address of this page is damaged: open it from the finding again.") from None
        return view, view.connection, view.name
    connection = get_object_or_404(Connection, slug=request.GET.get("connection", ""))
    name = request.GET.get("name", "").strip()[:200]
    if not name:
        raise InvalidInput("Give the new view a name first: an exemption is for a view of that name.")
    return None, connection, name


def _connections() -> list[Connection]:
    return list(Connection.objects.only("slug", "name"))


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)
