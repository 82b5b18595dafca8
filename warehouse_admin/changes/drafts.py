"""Drafts: what people are typing, kept for them. Nothing here is a change yet, so none of it enters the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import policies, texts
from warehouse_admin.changes.checks import LONGEST_REASON
from warehouse_admin.changes.errors import DraftMoved
from warehouse_admin.changes.live import refuse_closed_view
from warehouse_admin.changes.models import ChangeRequest, Draft, Revision
from warehouse_admin.changes.transitions import require_state
from warehouse_admin.core.digests import is_digest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage.checks import unstorable
from warehouse_admin.mirror.models import SavedQuery

KEPT_FOR = timedelta(days=90)
EDITING_WITHIN = timedelta(minutes=10)
"""Whose draft was saved so lately counts as editing now; later they still have a draft, which is also told."""
MOST_SHOWN = 50

About = SavedQuery | ChangeRequest | Connection


@dataclass(frozen=True)
class Editor:
    """Somebody else with a draft of a view, and when it was last saved; nothing of what it says."""

    person: User
    since: datetime

    @property
    def is_editing(self) -> bool:
        return timezone.now() - self.since < EDITING_WITHIN


@dataclass(frozen=True)
class Moved:
    """What a draft was begun on is not the newest any more: by whose doing, if known, and where to read it."""

    by: str
    url: str


def own(user: User, about: About) -> Draft | None:
    """This person's draft of a view, of a change, or of a new view of a connection."""
    return Draft.objects.of(user, about).first()


def save(
    user: User,
    about: About,
    *,
    query: str,
    reason: str = "",
    name: str = "",
    base: str = "",
    revision: int | None = None,
    seen: int | None = None,
) -> Draft:
    """Keep what this person has typed so far.

    `seen` is the version it was typed over, 0 for none: DraftMoved if that is not the one kept now, unless the texts
    are the same. None replaces whatever is there. `base` and `revision` say what it was begun on.
    """
    _require(user, about)
    reason = _check(query, reason, name)
    with transaction.atomic():
        known = Draft.objects.of(user, about).select_for_update().first()
        if known is None and not seen:
            return _insert(user, about, query=query, reason=reason, name=name, base=base, base_revision=revision)
        if known is None:
            raise DraftMoved(None)
        if (known.query, known.reason, known.name) != (query, reason, name):
            if seen not in (None, known.version):
                raise DraftMoved(known)
            known.query, known.reason, known.name = query, reason, name
            known.version = _next_version(known.version)
        known.updated_at = timezone.now()
        known.base = base if is_digest(base) else known.base
        known.base_revision = revision or known.base_revision
        known.save()
    return known


def discard(user: User, about: About, *, seen: int | None = None) -> bool:
    """Throw the draft away, False if there is none; DraftMoved if another tab saved it after what was `seen`."""
    with transaction.atomic():
        known = Draft.objects.of(user, about).select_for_update().first()
        if known is None:
            return False
        if seen not in (None, known.version):
            raise DraftMoved(known)
        known.delete()
    return True


def mine(user: User) -> list[Draft]:
    """This person's drafts, the newest first, without their texts."""
    found = Draft.objects.filter(user=user).select_related("saved_query", "change__saved_query", "connection")
    views = [f"{path}__{column}" for path in ("saved_query", "change__saved_query") for column in ("query", "columns")]
    found = found.defer("query", "change__remote", *views, *CONNECTION_UNREAD)
    return list(found.order_by("-updated_at", "-pk")[:MOST_SHOWN])


def has_draft(user: User, saved_query: SavedQuery) -> bool:
    """Whether this person has begun an edit of a view."""
    return Draft.objects.of(user, saved_query).exists()


def others_editing(saved_query: SavedQuery, besides: User) -> list[Editor]:
    """Who else has a draft of a view or of a change of it, the latest first."""
    about = Q(saved_query=saved_query) | Q(change__saved_query=saved_query)
    found = Draft.objects.filter(about, user__is_active=True).exclude(user=besides).select_related("user")
    latest: dict[int, Editor] = {}
    for draft in found.only("user", "updated_at").order_by("-updated_at")[:MOST_SHOWN]:
        latest.setdefault(draft.user_id, Editor(draft.user, draft.updated_at))
    return list(latest.values())


def base_moved(draft: Draft) -> Moved | None:
    """Who changed what this draft was begun on, if anybody did since, as far as the mirror knows."""
    if draft.change is not None:
        return _revised(draft.change, draft.base_revision)
    view = draft.saved_query
    if view is None or not draft.base or view.query is None or view.query_hash == draft.base:
        return None
    versions = list(view.versions.defer("query").order_by("-number")[:200])
    newest = versions[0] if versions else None
    began = next((version.number for version in versions if version.query_hash == draft.base), None)
    url = reverse("mirror:view-diff", args=[view.posthog_id])
    return Moved(newest.author_name if newest else "", f"{url}?from={began}&to={versions[0].number}" if began else url)


def sweep() -> int:
    """Remove drafts that nobody has touched for long; how many."""
    return Draft.objects.filter(updated_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _revised(change: ChangeRequest, begun_on: int | None) -> Moved | None:
    if begun_on is None or change.revision_number == begun_on:
        return None
    newest = Revision.objects.select_related("editor").filter(change=change, number=change.revision_number).first()
    return Moved(newest.editor.display_name if newest else "", reverse("changes:detail", args=[change.pk]))


def _require(user: User, about: About) -> None:
    """Raise unless this person may begin an edit of it, or has begun one: that is kept whatever became of it."""
    if isinstance(about, ChangeRequest):
        policies.require_author(user, about, action="draft.saved")
        if own(user, about) is None:
            require_state(about, "revise")
        return
    policies.require_propose(user, action="draft.saved", target=_target(about))
    if isinstance(about, SavedQuery) and own(user, about) is None:
        refuse_closed_view(about)


def _target(about: SavedQuery | Connection) -> Target:
    if isinstance(about, SavedQuery):
        return Target("saved_query", str(about.posthog_id), about.name)
    return Target("connection", about.slug, about.name)


def _check(query: str, reason: str, name: str) -> str:
    """The clean reason; InvalidInput for what cannot be kept. A draft need not be right, or complete."""
    problems: dict[str, list[str]] = {}
    if (problem := unstorable(query)) is not None:
        problems["query"] = [problem.message]
    reason = texts.storable(reason)
    if len(reason) > LONGEST_REASON:
        problems["reason"] = [f"At most {LONGEST_REASON:,} characters, please."]
    if len(name) > Draft.LONGEST_NAME or texts.storable(name) != name.strip():
        problems["name"] = ["This is no name of a view."]
    elif audit.holds_key(name):
        problems["name"] = [HOLDS_KEY]
    if problems:
        raise InvalidInput(next(iter(problems.values()))[0], errors=problems)
    return reason


def _insert(user: User, about: About, *, base: str, **fields: object) -> Draft:
    if isinstance(about, SavedQuery) and not is_digest(base):
        base = about.query_hash
    values = {**fields, "base": base, "version": _next_version(0), "updated_at": timezone.now()}
    try:
        with transaction.atomic():
            return Draft.objects.create(user=user, **{Draft.field_for(about): about}, **values)
    except IntegrityError as error:  # the other tab was quicker by a moment
        raise DraftMoved(own(user, about)) from error


def _next_version(last: int) -> int:
    return max(last + 1, int(timezone.now().timestamp() * 1000))
