"""Writing a proposal: create, submit, revise."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import live, policies, texts, verdict
from warehouse_admin.changes.actions import ACTIONS, Action, Facts, Subject, action_of
from warehouse_admin.changes.errors import BaseMoved, StaleRevision
from warehouse_admin.changes.models import ChangeRequest, Draft, Revision
from warehouse_admin.changes.revisions import add_revision, told
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.core.errors import InvalidInput, UserError
from warehouse_admin.mirror.models import SavedQuery

LONGEST_REASON = 5_000
ELSEWHERE = {
    "run": "POST saved-queries/<id>/run/",
    "cancel": "POST saved-queries/<id>/cancel/",
    "resume": "POST schedules/resume/",
}
"""Actions that need no review, and the calls of their own that they have."""


def create(
    *,
    author: User,
    action: str = ChangeRequest.Action.EDIT_QUERY,
    saved_query: SavedQuery | None = None,
    connection: Connection | None = None,
    query: str | None = None,
    name: str | None = None,
    sync_frequency: str | None = None,
    reason: str = "",
    submit: bool = False,
    base: str | None = None,
    nonce: str = "",
    rolls_back: ChangeRequest | None = None,
    draft: int = 0,
) -> ChangeRequest:
    """Propose an action on a view, or with a `connection` a new one; one change for each `nonce` of a person.

    It is written against what PostHog holds now. `base` is the digest (`Action.seen`) of what the person started from:
    BaseMoved if PostHog holds something else by now. `draft` is the version of the draft it was written in, which then
    goes.
    """
    wanted = _known_action(action)
    connection = saved_query.connection if saved_query else connection
    target = _target(saved_query, name)
    policies.require_propose(author, action="change.created", target=target)
    if nonce and (known := ChangeRequest.objects.filter(author=author, nonce=nonce).first()):
        return known
    connection = _connection_of(wanted, saved_query, connection)
    if saved_query is not None:
        live.refuse_closed_view(saved_query)
    values = {"query": query, "name": name, "sync_frequency": sync_frequency}
    proposal, reason = check_proposal(wanted, connection, saved_query, values, reason, reason_needed=submit)
    refuse_unoffered(wanted, connection)
    subject = live.read_subject(saved_query) if saved_query else live.read_new(connection, proposal["name"])
    if base is not None and base != wanted.seen(subject.base):
        raise BaseMoved(subject.base)
    refuse_idle(wanted, subject, proposal)
    if submit:
        refuse_hopeless(wanted, subject, proposal)
        refuse_keyless(connection, author)
    with transaction.atomic():
        change, made = _insert(author, wanted, subject, reason, submit, nonce, rolls_back)
        if wanted.has_sql:
            Draft.objects.of(author, saved_query or connection).used(proposal["query"], draft).delete()
        if made:
            revision = add_revision(change, author, subject.base, proposal)
            _tell_creation(change, author, revision, submit)
    return change


def cadence_change(author: User, saved_query: SavedQuery, cadence: str, reason: str, nonce: str) -> int:
    """Propose another cadence and hand it to the reviewers at once; gives the number of the change."""
    action = ChangeRequest.Action.SET_CADENCE
    change = create(
        author=author,
        action=action,
        saved_query=saved_query,
        sync_frequency=cadence,
        reason=reason,
        submit=True,
        nonce=nonce,
    )
    return change.pk


def submit(change: ChangeRequest, user: User) -> ChangeRequest:
    """Hand a draft to the reviewers."""
    with transaction.atomic():
        change = lock(change)
        policies.require_author(user, change, action="change.submitted")
        require_state(change, "submit")
        if not change.reason.strip():
            raise InvalidInput("Say why first.", errors={"reason": ["A reason is needed to submit a change."]})
        latest = current_revision(change)
        action = action_of(change.action)
        refuse_keyless(change.connection, change.author)
        if change.saved_query is not None:
            live.refuse_closed_view(change.saved_query)
            refuse_hopeless(action, live.subject_of(change.saved_query, latest.base), latest.proposal)
        if action.has_sql:
            Draft.objects.of(user, change).used(latest.proposal["query"], 0).delete()
        move(change, State.IN_REVIEW, submitted_at=timezone.now())
        note(change, user, "submitted")
        record(change, user, "submitted", reason=change.reason)
    return change


def revise(
    change: ChangeRequest,
    user: User,
    query: str | None = None,
    revision: int = 0,
    reason: str | None = None,
    *,
    name: str | None = None,
    sync_frequency: str | None = None,
    draft: int = 0,
) -> ChangeRequest:
    """Save an edited proposal as a new revision; a real edit voids the votes. `revision` is the one that was edited.

    Fields that are not given stay as they are. `draft` is the version of the draft it was written in, which then goes.
    """
    change = ChangeRequest.objects.select_related("saved_query", "author", "connection").get(pk=change.pk)
    policies.require_author(user, change, action="change.revised")
    action = action_of(change.action)
    values = {**current_revision(change).proposal} | _given(query=query, name=name, sync_frequency=sync_frequency)
    proposal, wanted = check_proposal(
        action,
        change.connection,
        change.saved_query,
        values,
        change.reason if reason is None else reason,
        reason_needed=change.state != State.DRAFT,
    )
    with transaction.atomic():
        change = lock(change)
        require_state(change, "revise")
        latest = current_revision(change)
        _refuse_stale(change, latest, revision)
        if proposal == latest.proposal and wanted == change.reason:
            raise InvalidInput("Nothing was changed.", errors={_field(action): ["This is the proposal as it is."]})
        subject = Subject(change.connection, change.object_name, latest.base, change.saved_query)
        if proposal != latest.proposal and action.nothing_to_do(subject, proposal):
            text = "This is what PostHog held when you began. Withdraw the change if it is not wanted any more."
            raise InvalidInput(text, errors={_field(action): [text]})
        if action.has_sql:
            Draft.objects.of(user, change).used(proposal["query"], draft).delete()
        _save_reason(change, wanted)
        _follow_name(change, proposal)
        if proposal == latest.proposal:
            note(change, user, "reason_changed", wanted)
            record(change, user, "revised", reason=wanted, after={"revision": change.revision_number})
            return change
        _replace(change, user, latest, latest.base, proposal)
    return change


def save_revision(
    change: ChangeRequest,
    user: User,
    values: Facts,
    *,
    revision: int,
    reason: str,
    submitting: bool,
    draft: int = 0,
) -> ChangeRequest:
    """What the page of a form does: revise, and submit a draft when that was asked for, also as it is."""
    current = current_revision(change)
    submitting = submitting and change.state == State.DRAFT
    if submitting and not reason.strip():
        raise InvalidInput("Say why.", errors={"reason": ["Say why: reviewers and the audit trail need a reason."]})
    unchanged = {**current.proposal, **values} == current.proposal and reason.strip() == change.reason
    with transaction.atomic():  # refused as one: a revision that was kept would make the page that sent it a stale one
        if not (submitting and unchanged):
            change = revise(change, user, revision=revision, reason=reason, draft=draft, **values)
        return submit(change, user) if submitting else change


def check_proposal(
    action: Action,
    connection: Connection,
    saved_query: SavedQuery | None,
    values: Facts,
    reason: str,
    *,
    reason_needed: bool,
) -> tuple[Facts, str]:
    """The clean proposal and reason; raises InvalidInput naming every field that is wrong, in SQL the place too."""
    problems: dict[str, list[str]] = {}
    proposal: Facts = {}
    try:
        proposal = action.clean(connection, values, saved_query)
    except InvalidInput as wrong:
        problems |= wrong.errors
    reason = texts.storable(reason)
    if reason_needed and not reason:
        problems["reason"] = ["Say why: reviewers and the audit trail need a reason."]
    elif len(reason) > LONGEST_REASON:
        problems["reason"] = [f"At most {LONGEST_REASON:,} characters, please."]
    if problems:
        raise InvalidInput(next(iter(problems.values()))[0], errors=problems)
    return proposal, reason


def refuse_unoffered(action: Action, connection: Connection) -> None:
    """Raise where this server is known to refuse the action to keys."""
    capability = accounts.capability(connection, action.capability)
    if capability.state == "no":
        raise _blocked(capability.reason, "an administrator, or a person in PostHog itself")


def refuse_idle(action: Action, subject: Subject, proposal: Facts) -> None:
    """Raise where PostHog holds already what is proposed."""
    if why := action.nothing_to_do(subject, proposal):
        raise InvalidInput(why, errors={_field(action): [why]})


def refuse_hopeless(action: Action, subject: Subject, proposal: Facts) -> None:
    """Raise for what PostHog is certain to refuse: nobody should be asked to review it."""
    if why := action.consequences(subject, proposal).refusal:
        raise _blocked(why, "its author")


def refuse_keyless(connection: Connection, author: User) -> None:
    """Raise where only the author's own key may write, and there is none: no review would ever be carried out."""
    if connection.key_policy == Connection.KeyPolicy.AUTHOR_REQUIRED:
        if why := accounts.why_no_writes(connection, author=author):
            raise _blocked(why, f"{author.display_name}, on the settings page")


def _blocked(why: str, who: str) -> UserError:
    return UserError(why, blockers=[{"text": why, "kind": "fix", "who": who}])


def _known_action(name: str) -> Action:
    if name in ACTIONS:
        return action_of(name)
    told = f"Use one of {', '.join(ACTIONS)}."
    if name in ELSEWHERE:
        told = f"This needs no review: use {ELSEWHERE[name]}."
    raise InvalidInput("This action is not offered here.", errors={"action": [told]})


def _field(action: Action) -> str:
    """The field to blame when nothing would change."""
    return action.fields[-1] if action.fields else "saved_query"


def _target(saved_query: SavedQuery | None, name: str | None) -> Target:
    if saved_query is None:
        return Target("saved_query", "", (name or "")[:200])
    return Target("saved_query", str(saved_query.posthog_id), saved_query.name)


def _connection_of(action: Action, saved_query: SavedQuery | None, connection: Connection | None) -> Connection:
    makes = action.name == ChangeRequest.Action.CREATE_VIEW
    if makes and saved_query is not None:
        raise InvalidInput("A new view has no id yet.", errors={"saved_query": ["Leave it out: a new view has no id."]})
    if not makes and saved_query is None:
        raise InvalidInput("Say which view.", errors={"saved_query": ["This field is required."]})
    if connection is None:
        raise InvalidInput("Say in which project.", errors={"connection": ["Name the connection: there are several."]})
    return connection


def _given(**values: str | None) -> Facts:
    return {name: value for name, value in values.items() if value is not None}


def _insert(
    author: User,
    action: Action,
    subject: Subject,
    reason: str,
    submitted: bool,
    nonce: str,
    rolls_back: ChangeRequest | None,
) -> tuple[ChangeRequest, bool]:
    now = timezone.now()
    values = {
        "connection": subject.connection,
        "saved_query": subject.view,
        "object_name": subject.name,
        "action": action.name,
        "reason": reason,
        "state": State.IN_REVIEW if submitted else State.DRAFT,
        "submitted_at": now if submitted else None,
        "state_changed_at": now,
        "rolls_back": rolls_back,
    }
    if not nonce:
        return ChangeRequest.objects.create(author=author, **values), True
    # A double click that got this far meets the unique constraint; then the first one's change is the answer.
    return ChangeRequest.objects.get_or_create(author=author, nonce=nonce, defaults=values)


def _tell_creation(change: ChangeRequest, author: User, revision: Revision, submitted: bool) -> None:
    note(change, author, "created")
    if submitted:
        note(change, author, "submitted")
    record(change, author, "created", reason=change.reason, **told(revision))
    if submitted:
        record(change, author, "submitted", reason=change.reason)


def _replace(change: ChangeRequest, user: User, latest: Revision, base: Facts, proposal: Facts) -> None:
    """A new revision in place of `latest`; approvals follow what it means, and may approve the change again."""
    revision = add_revision(change, user, base, proposal)
    approved = False
    if change.state == State.DRAFT:
        note(change, user, "revised")
    else:
        approved = verdict.after_revision(change, user, latest, revision, "revised")
    record(change, user, "revised", reason=change.reason, **told(revision))
    if approved:
        verdict.start(change, user)


def _save_reason(change: ChangeRequest, reason: str) -> None:
    if reason != change.reason:
        change.reason = reason
        change.save(update_fields=["reason"])


def _follow_name(change: ChangeRequest, proposal: Facts) -> None:
    """A view that is not made yet is called what it will be."""
    if change.saved_query is None and change.object_name != proposal["name"]:
        change.object_name = proposal["name"]
        change.save(update_fields=["object_name"])


def _refuse_stale(change: ChangeRequest, latest: Revision, seen: int) -> None:
    if seen != latest.number:
        raise StaleRevision(
            f"{latest.editor.display_name} saved r{latest.number} meanwhile, and this was written on r{seen}. "
            "Your text is kept: compare it with the newest revision, then save again."
        )
