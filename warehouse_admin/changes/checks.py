"""What a proposal is refused for before anybody reviews it."""

from __future__ import annotations

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.changes import texts
from warehouse_admin.changes.actions import ACTIONS, Action, Facts, Mirrored, Subject, action_of
from warehouse_admin.core.errors import InvalidInput, UserError
from warehouse_admin.core.unseen import is_blank
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

LONGEST_REASON = 5_000
ELSEWHERE = {
    "run": "POST saved-queries/<id>/run/",
    "cancel": "POST saved-queries/<id>/cancel/",
    "resume": "POST schedules/resume/",
}
"""Actions that need no review, and the calls of their own that they have."""


def check_proposal(
    action: Action,
    connection: Connection,
    about: Mirrored | None,
    values: Facts,
    reason: str,
    *,
    reason_needed: bool,
) -> tuple[Facts, str]:
    """The clean proposal and reason; raises InvalidInput naming every field that is wrong, in SQL the place too."""
    problems: dict[str, list[str]] = {}
    proposal: Facts = {}
    try:
        proposal = action.clean(connection, values, about)
    except InvalidInput as wrong:
        problems |= wrong.errors
    reason = texts.storable(reason)
    if wrong_reason := _wrong_reason(reason, needed=reason_needed):
        problems["reason"] = [wrong_reason]
    if problems:
        raise InvalidInput(next(iter(problems.values()))[0], errors=problems)
    return proposal, reason


def clean_reason(reason: str) -> str:
    """What is kept of a reason that is needed; InvalidInput where there is none or too much."""
    reason = texts.storable(reason)
    if wrong := _wrong_reason(reason, needed=True):
        raise InvalidInput(wrong, errors={"reason": [wrong]})
    return reason


def _wrong_reason(reason: str, *, needed: bool) -> str:
    if needed and is_blank(reason):
        return "Say why: reviewers and the audit trail need a reason."
    if audit.holds_key(reason):
        return HOLDS_KEY
    return f"At most {LONGEST_REASON:,} characters, please." if len(reason) > LONGEST_REASON else ""


def refuse_unoffered(action: Action, connection: Connection) -> None:
    """Raise where this server is known to refuse the action to keys."""
    capability = accounts.capability(connection, action.capability)
    if capability.state == "no":
        raise _blocked(capability.reason, "an administrator, or a person in PostHog itself")


def refuse_idle(action: Action, subject: Subject, proposal: Facts) -> None:
    """Raise where PostHog holds already what is proposed."""
    if why := action.nothing_to_do(subject, proposal):
        raise InvalidInput(why, errors={field_at_fault(action): [why]})


def refuse_hopeless(action: Action, subject: Subject, proposal: Facts) -> None:
    """Raise for what PostHog is certain to refuse: nobody should be asked to review it."""
    if why := action.consequences(subject, proposal).refusal:
        raise _blocked(why, "its author")


def refuse_keyless(connection: Connection, author: User) -> None:
    """Raise where only the author's own key may write, and there is none: no review would ever be carried out."""
    if connection.key_policy == Connection.KeyPolicy.AUTHOR_REQUIRED:
        if why := accounts.why_no_writes(connection, author=author):
            raise _blocked(why, f"{author.display_name}, on the settings page")


def known_action(name: str) -> Action:
    """The action of this name; InvalidInput where it is none, or needs no change."""
    if name in ACTIONS:
        return action_of(name)
    told = f"Use one of {', '.join(ACTIONS)}."
    if name in ELSEWHERE:
        told = f"This needs no review: use {ELSEWHERE[name]}."
    raise InvalidInput("This action is not offered here.", errors={"action": [told]})


def object_of(action: Action, saved_query: SavedQuery | None, table: WarehouseTable | None) -> Mirrored | None:
    """What it is about; InvalidInput where that is missing, of the wrong kind, or named though it is not made yet."""
    given: dict[str, Mirrored | None] = {"saved_query": saved_query, "table": table}
    field, word = ("table", "table") if action.of_tables else ("saved_query", "view")
    for name, about in given.items():
        if about is not None and (action.makes or name != field):
            told = (
                f"Leave it out: a new {word} has no id." if action.makes else f"Leave it out: this is about a {word}."
            )
            raise InvalidInput(told, errors={name: [told]})
    if not action.makes and given[field] is None:
        raise InvalidInput(f"Say which {word}.", errors={field: ["This field is required."]})
    return given[field]


def connection_of(about: Mirrored | None, connection: Connection | None) -> Connection:
    """Where it happens; InvalidInput where nothing says so."""
    connection = about.connection if about else connection
    if connection is None:
        raise InvalidInput("Say in which project.", errors={"connection": ["Name the connection: there are several."]})
    return connection


def field_at_fault(action: Action) -> str:
    """The field to blame when nothing would change."""
    return action.blamed or (action.fields[-1] if action.fields else "saved_query")


def _blocked(why: str, who: str) -> UserError:
    return UserError(why, blockers=[{"text": why, "kind": "fix", "who": who}])
