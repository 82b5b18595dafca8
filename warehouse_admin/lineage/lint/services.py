"""Deciding about lint rules: what one weighs in a project, and which view need not keep it. All of it is audited."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.policies import allows, require
from warehouse_admin.accounts.roles import EXEMPT, MANAGE_CONNECTIONS
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.core.last_days import wrong_last_day
from warehouse_admin.lineage.lint.base import Level
from warehouse_admin.lineage.lint.models import LintExemption, LintLevel
from warehouse_admin.lineage.lint.rules import rule_of
from warehouse_admin.mirror.models import SavedQuery

SIGNED_IN_ONLY = "An exemption needs a signed-in person: an API token cannot grant one."


def set_level(*, actor: User, connection: Connection, rule: str, level: str, reason: str) -> None:
    """Let a rule weigh something else in a connection; its own weight takes the word back."""
    target = Target("connection", connection.slug, connection.name)
    require(actor, MANAGE_CONNECTIONS, action="lint.level_set", target=target)
    wanted = rule_of(rule)
    errors = _wrong_reason(reason)
    if level not in Level.values:
        errors["level"] = [f"Use one of {', '.join(Level.values)}."]
    elif wanted.of_previews and level == Level.ERROR:
        errors["level"] = ["This rule is about previews and can stop nothing: use warning, note or off."]
    if errors:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        row = LintLevel.objects.filter(connection=connection, rule=rule).first()
        before = row.level if row else str(wanted.level)
        if before == level:
            told = f"{wanted.title} is {Level(level).label.lower()} in {connection.name} already."
            raise InvalidInput(told, errors={"level": [told]})
        if level == wanted.level:
            LintLevel.objects.filter(connection=connection, rule=rule).delete()
        else:
            row = row or LintLevel(connection=connection, rule=rule)
            row.level, row.reason, row.set_by, row.set_at = level, reason.strip(), actor, timezone.now()
            row.save()
        audit.record(
            actor=actor,
            action="lint.level_set",
            target=target,
            connection=connection.slug,
            reason=reason.strip(),
            before={"rule": rule, "level": before},
            after={"rule": rule, "level": level},
        )


def may_exempt(user: User) -> bool:
    """Whether to offer it."""
    return allows(user, EXEMPT) and not context.current().token_name


def exempt(
    *,
    actor: User,
    rule: str,
    reason: str,
    until: datetime.date | None = None,
    view: SavedQuery | None = None,
    connection: Connection | None = None,
    name: str = "",
) -> LintExemption:
    """Let a view, or one that will be made under a `name`, not keep a rule. A former exemption gives way to it.

    It never counts for a text that whoever grants it wrote: that is asked where a text is looked at.
    """
    target = Target("saved_query", str(view.posthog_id), view.name) if view else Target("saved_query", "", name)
    require(actor, EXEMPT, action="lint.exempted", target=target)
    if context.current().token_name:
        raise NotPermitted(SIGNED_IN_ONLY, action="lint.exempted", target=target)
    wanted = rule_of(rule)
    connection = view.connection if view else connection
    errors = _wrong_reason(reason) | wrong_last_day(until, empty_means="until somebody takes it back")
    if wanted.of_previews:
        errors["rule"] = ["This rule is about previews alone: there is nothing to exempt."]
    if connection is None or not (view or name.strip()):
        errors["saved_query"] = ["Say which view; of one that is not made yet, its connection and its name."]
    elif view is not None and (view.deleted_at is not None or view.is_managed):
        why = "was deleted in PostHog" if view.deleted_at else "is managed by PostHog and not looked at"
        errors["saved_query"] = [f"{view.name} {why}: there is nothing to exempt."]
    elif len(name) > 200:
        errors["name"] = ["At most 200 characters, please."]
    if errors or connection is None:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)
    name = view.name if view else name.strip()
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        former = _former(view, connection, name, rule)
        before = told(former) if former and not former.has_ended else None
        if former is not None:
            _end(former, actor, "Replaced by another one.")
        granted = LintExemption.objects.create(
            connection=connection,
            saved_query=view,
            name=name,
            rule=rule,
            reason=reason.strip(),
            until=until,
            granted_by=actor,
            granted_at=timezone.now(),
        )
        audit.record(
            actor=actor,
            action="lint.exempted",
            target=target,
            connection=connection.slug,
            reason=granted.reason,
            before=before,
            after=told(granted),
        )
    return granted


def revoke(*, actor: User, exemption: LintExemption, reason: str) -> None:
    """Let the rule count again for the view."""
    target = _target(exemption)
    require(actor, EXEMPT, action="lint.exemption_revoked", target=target)
    if errors := _wrong_reason(reason):
        raise InvalidInput(errors["reason"][0], errors=errors)
    with transaction.atomic():
        row = LintExemption.objects.select_for_update().get(pk=exemption.pk)
        if row.revoked_at is not None:
            raise UserError("This exemption was taken back already.")
        before = told(row)
        _end(row, actor, reason.strip())
        audit.record(
            actor=actor,
            action="lint.exemption_revoked",
            target=target,
            connection=row.connection.slug,
            reason=row.revoked_reason,
            before=before,
            after=None,
        )


@transaction.atomic
def follow(*, view: SavedQuery, name: str) -> None:
    """What was granted for the name of a view that was to be made is the view's from now on."""
    waiting = LintExemption.objects.select_for_update().filter(
        connection=view.connection, saved_query=None, name=name, revoked_at=None
    )
    known = set(view.lint_exemptions.filter(revoked_at=None).values_list("rule", flat=True))
    for row in [row for row in waiting if row.rule not in known]:
        row.saved_query = view
        row.save(update_fields=["saved_query"])
        audit.record(
            actor=None,
            action="lint.exemption_followed",
            target=_target(row),
            connection=view.connection.slug,
            before={"rule": row.rule, "name": name, "saved_query": None},
            after={"rule": row.rule, "name": name, "saved_query": str(view.posthog_id)},
        )


def told(row: LintExemption) -> dict[str, Any]:
    """What the trail keeps of an exemption."""
    return {
        "exemption": row.pk,
        "rule": row.rule,
        "reason": row.reason,
        "until": row.until.isoformat() if row.until else None,
        "granted_by": row.granted_by.get_username(),
    }


def _former(view: SavedQuery | None, connection: Connection, name: str, rule: str) -> LintExemption | None:
    rows = LintExemption.objects.select_for_update().filter(rule=rule, revoked_at=None)
    of_view = rows.filter(saved_query=view) if view else rows.filter(connection=connection, saved_query=None, name=name)
    return of_view.first()


def _end(row: LintExemption, actor: User, reason: str) -> None:
    row.revoked_by, row.revoked_at, row.revoked_reason = actor, timezone.now(), reason
    row.save(update_fields=["revoked_by", "revoked_at", "revoked_reason"])


def _target(row: LintExemption) -> Target:
    view = row.saved_query
    return Target("saved_query", str(view.posthog_id) if view else "", row.view_name)


def _wrong_reason(reason: str) -> dict[str, list[str]]:
    try:
        clean_reason(reason)
    except InvalidInput as error:
        return error.errors
    return {}
