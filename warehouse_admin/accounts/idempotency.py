"""The first answer to a call that carries an `Idempotency-Key` is its answer for good."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from warehouse_admin.accounts.models import IdempotentCall
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.core.errors import InvalidInput, UserError

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 200
KEPT_FOR = timedelta(days=7)
GIVEN_UP_AFTER = timedelta(minutes=5)
"""A call without an answer for so long lost its process; the next one with the key is carried out."""


class OtherCall(UserError):
    """The key was used for another call."""

    status = 422


class StillAnswering(UserError):
    """The first call with this key has no answer yet."""


class _Replay(Exception):
    def __init__(self, call: IdempotentCall) -> None:
        self.call = call


class Idempotent:
    """Mix into an endpoint that changes something, before its base class."""

    keyed_methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    _claimed: IdempotentCall | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get(HEADER, "")
        if key and request.method in self.keyed_methods:
            self._claimed = claim(request, key)

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, _Replay):
            call = error.call
            return Response(call.body, status=call.status, headers={REPLAYED: "true"}, content_type=_type(call.status))
        return super().handle_exception(error)  # type: ignore[misc]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self._claimed is not None:
            remember(self._claimed, response)
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]


def claim(request: Request, key: str) -> IdempotentCall:
    """Take the key for this call, or raise what answers it instead."""
    if told := _wrong_key(key):
        raise InvalidInput(f"{HEADER}: {told}", errors={HEADER: [told]})
    fingerprint = _fingerprint(request)
    user: Any = request.user  # the permission classes let only people through
    IdempotentCall.objects.filter(user=user, created_at__lt=timezone.now() - KEPT_FOR).delete()
    try:
        with transaction.atomic():
            return IdempotentCall.objects.create(user=user, key=key, fingerprint=fingerprint)
    except IntegrityError:
        known = IdempotentCall.objects.filter(user=user, key=key).first()
    if known is None:
        raise StillAnswering("The first call with this key has just failed. Send it again.")
    return _answer_of(known, fingerprint)


def _wrong_key(key: str) -> str:
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        return f"At most {LONGEST_KEY} printable ASCII characters."
    # It is kept as it came, so that a script which mixes up its headers would leave its API key here for a week.
    return HOLDS_KEY if audit.holds_key(key) else ""


def _answer_of(known: IdempotentCall, fingerprint: str) -> IdempotentCall:
    if known.fingerprint != fingerprint:
        raise OtherCall("This Idempotency-Key was used for another call. Use a new key for each call.")
    if known.status is not None:
        raise _Replay(known)
    now = timezone.now()
    abandoned = IdempotentCall.objects.filter(pk=known.pk, status=None, created_at__lt=now - GIVEN_UP_AFTER)
    if abandoned.update(created_at=now) == 1:
        return known
    raise StillAnswering("The first call with this key is still being answered. Ask again in a moment.")


def remember(call: IdempotentCall, response: Response) -> None:
    """Keep the answer; after a failure of ours the key is free again."""
    if response.status_code >= 500:
        call.delete()
        return
    # As it will leave: dates and ids are text by then.
    body = _storable(json.loads(JSONRenderer().render(response.data)))
    IdempotentCall.objects.filter(pk=call.pk).update(status=response.status_code, body=body)


def _storable(value: Any) -> Any:
    """Without NUL characters, which a refusal may quote and PostgreSQL does not take."""
    if isinstance(value, dict):
        return {key.replace("\x00", ""): _storable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return value.replace("\x00", "") if isinstance(value, str) else value


def _fingerprint(request: Request) -> str:
    # A form's fields may repeat: all of their values are the call, not only the last.
    data = dict(request.data.lists()) if hasattr(request.data, "lists") else request.data
    body = json.dumps(data, sort_keys=True, default=str)
    told = "\n".join([request.method or "", request.get_full_path(), body])
    # Keyed: a body may hold secrets, which a plain digest would let one guess.
    return salted_hmac("idempotency", told.encode("utf-8", "surrogatepass"), algorithm="sha256").hexdigest()


def _type(status: int | None) -> str | None:
    return "application/problem+json" if status is not None and status >= 400 else None
