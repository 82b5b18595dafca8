"""Start or cancel one view's run, through the gate, once however often the button is pressed."""

from __future__ import annotations

import uuid

from django.db import transaction

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import User
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.states import KEPT_BY_POSTHOG
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.errors import NothingToDo, NotOffered

PERMISSION = "mirror.run_savedquery"


def run_now(*, user: User, saved_query: SavedQuery, reason: str) -> Mutation:
    """Ask PostHog to run a view now, in the background; the same mutation again while one is open."""
    return _ask(user=user, view=saved_query, reason=reason, kind=Mutation.Kind.RUN)


def cancel_run(*, user: User, saved_query: SavedQuery, reason: str) -> Mutation:
    """Ask PostHog to cancel a view's run, in the background; the same mutation again while one is open."""
    return _ask(user=user, view=saved_query, reason=reason, kind=Mutation.Kind.CANCEL)


def refusal(view: SavedQuery, kind: str) -> str:
    """Why this view cannot be run or cancelled, in a sentence; empty when it can."""
    if view.deleted_at:
        return "This view was deleted in PostHog."
    if view.is_materialized is False:
        return "This view is not materialized, so it has no runs."
    if view.is_managed and kind == Mutation.Kind.RUN:  # a run in bulk leaves it alone as well
        return KEPT_BY_POSTHOG
    capability = accounts.capability(view.connection, kind)
    return capability.reason if capability.state == "no" else ""


def _ask(*, user: User, view: SavedQuery, reason: str, kind: str) -> Mutation:
    target = Target("saved_query", str(view.posthog_id), view.name)
    policies.require(user, PERMISSION, action=f"saved_query.{kind}", target=target)
    reason = clean_reason(reason)
    if view.deleted_at or view.is_materialized is False:
        raise NothingToDo(refusal(view, kind))
    if why := refusal(view, kind) or accounts.why_no_writes(view.connection, author=user):
        raise NotOffered(why)
    with transaction.atomic():
        earlier = Mutation.objects.filter(connection=view.connection, kind=kind, object_id=str(view.posthog_id))
        under_way = earlier.filter(state__in=Mutation.OPEN).order_by("-asked_at").first()
        if under_way is not None:
            return under_way
        mutation = mutations.ask(
            connection=view.connection,
            kind=kind,
            object_id=str(view.posthog_id),
            object_name=view.name,
            actor=user,
            idempotency_key=f"{kind}:{view.pk}:{earlier.count() + 1}",
            payload={},
            cause="schedules",
            reason=reason,
        )
        _queue(mutation)
    return mutation


def _queue(mutation: Mutation) -> None:
    from warehouse_admin.schedules import tasks

    tasks.send_mutation.delay_on_commit(str(mutation.pk))  # type: ignore[attr-defined]


def send_single(mutation_id: uuid.UUID | str) -> None:
    """Send a run or a cancellation and look at the view afterwards. When it has to wait, the beat tries again."""
    request_id = Mutation.objects.values_list("request_id", flat=True).get(pk=mutation_id)
    with context.use(context.RequestContext(request_id=request_id)):
        try:
            mutation = mutations.send(uuid.UUID(str(mutation_id)))
        except NotYet:
            return
        if mutation.state == Mutation.State.HAPPENED:
            _look(mutation)


def _look(mutation: Mutation) -> None:
    view = SavedQuery.objects.filter(connection=mutation.connection, posthog_id=mutation.object_id).first()
    if view is None:
        return
    try:
        mirror.read_live(view, purpose="background")
    except (posthog_errors.PostHogError, UserError):
        return  # the next sync will see the run; the mutation itself is settled
