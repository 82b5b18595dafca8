"""One's own tokens and PostHog keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from warehouse_admin.accounts import selectors, services, tokens
from warehouse_admin.accounts.forms import KeyForm, TokenForm
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import Missing, UserError


@require_GET
def settings_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@never_cache
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, token_form=form, status=422)
    try:
        token, text = tokens.create_token(
            user=request.user,  # type: ignore[arg-type]
            actor=request.user,  # type: ignore[arg-type]
            **form.cleaned_data,
        )
    except UserError as error:
        form.add_refusal(error)
        return _page(request, token_form=form, status=422)
    # In the answer to the POST itself: a redirect would have to keep the token somewhere.
    return _page(request, new_token=token, new_token_text=text)


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    if pk >= 2**63:
        raise Missing("There is no such token.")
    token = tokens.revoke_token(actor=request.user, token_id=pk)  # type: ignore[arg-type]
    messages.success(request, f"The token “{token.name}” no longer opens anything.")
    if token.user_id != request.user.pk:
        return redirect("accounts:person-edit", pk=token.user_id)
    return redirect("accounts:settings")


@sensitive_post_parameters("api_key")
@require_POST
def key_save(request: HttpRequest, slug: str) -> HttpResponse:
    connection = _connection(slug)
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            services.save_personal_key(
                user=request.user,  # type: ignore[arg-type]
                connection=connection,
                api_key=form.cleaned_data["api_key"],
            )
        except UserError as error:
            form.add_refusal(error)
        else:
            messages.success(request, f"PostHog accepts your key for {connection.name}; it is stored encrypted.")
            return redirect("accounts:settings")
    return _page(request, key_form=form, key_slug=slug, status=422)


@require_POST
def key_remove(request: HttpRequest, slug: str) -> HttpResponse:
    connection = _connection(slug)
    services.remove_personal_key(user=request.user, connection=connection)  # type: ignore[arg-type]
    messages.success(request, f"Your key for {connection.name} is gone.")
    return redirect("accounts:settings")


def _page(request: HttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    context: dict[str, Any] = {
        "tokens": selectors.tokens_of(request.user),  # type: ignore[arg-type]
        "keys": selectors.keys_of(request.user),  # type: ignore[arg-type]
        "token_form": TokenForm(),
        "key_form": KeyForm(),
        "key_slug": "",
        **extra,
    }
    return render(request, "accounts/settings.html", context, status=status)


def _connection(slug: str) -> Connection:
    connection = Connection.objects.filter(slug=slug, is_active=True).first()
    if connection is None:
        raise Missing("There is no such connection.")
    return connection
