"""What people and the portal have done, in bulk: people, changes, campaigns, activity and the audit trail."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

from django.utils import timezone

from tests.bench.seed import bulk, missing
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit import chain
from warehouse_admin.audit.models import AuditEntry, ChainHead
from warehouse_admin.catalog.models import Entry
from warehouse_admin.changes.models import ChangeRequest, Item, Revision, Vote
from warehouse_admin.mirror.models import Observation, SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.models import Campaign, CampaignItem

CLOSED = ChangeRequest.CLOSED
REASONS = (
    "The definition of revenue moved",
    "Faster: reads one month",
    "Fixes the join on orders",
    "As agreed with finance",
)
ACTIONS = ("change.submitted", "change.approved", "saved_query.updated", "sync.started", "sign_in.succeeded")
VIEWS_OF_A_RESUME = 20


def seed_work(connection: Connection, count: int) -> None:
    """Add rows until there are `count` of each; the mirror is seeded already."""
    chosen = random.Random(count)
    _seed_people(count)
    people = list(User.objects.filter(is_active=True, email__gt="").order_by("pk")[:40])
    views = list(SavedQuery.objects.filter(connection=connection).only("name").order_by("pk"))
    _seed_owners(connection, people)
    _seed_changes(connection, people, views, count, chosen)
    _seed_resumes(connection, people, views, count, chosen)
    _seed_activity(connection, people, views, count, chosen)
    _seed_audit(connection, people, count, chosen)


def _seed_people(count: int) -> None:
    made = [
        User(
            username=f"person_{number:05}",
            email=f"person_{number:05}@example.com",
            first_name="Person",
            last_name=f"Number {number}",
            is_active=number % 10 != 9,
        )
        for number in missing(count, User, email__gt="")
    ]
    for person in bulk(made)[:40]:
        give_role(person, Role.REVIEWER)


def _seed_owners(connection: Connection, people: list[User]) -> None:
    """Two views in three are somebody's."""
    views = list(SavedQuery.objects.filter(connection=connection).order_by("pk").values_list("posthog_id", flat=True))
    owned = set(Entry.objects.filter(connection=connection).values_list("posthog_id", flat=True))
    bulk(
        [
            Entry(connection=connection, kind=Entry.Kind.VIEW, posthog_id=key, owner=people[number % len(people)])
            for number, key in enumerate(views)
            if number % 3 and key not in owned
        ]
    )


def _seed_changes(
    connection: Connection, people: list[User], views: list[SavedQuery], count: int, chosen: random.Random
) -> None:
    """One in ten is open."""
    now, State = timezone.now(), ChangeRequest.State
    made = []
    for number in missing(count, ChangeRequest):
        is_open = number % 10 == 0
        state = chosen.choice((State.IN_REVIEW, State.DRAFT, State.CHANGES_REQUESTED)) if is_open else State.APPLIED
        view = chosen.choice(views)
        made.append(
            ChangeRequest(
                connection=connection,
                action=ChangeRequest.Action.EDIT_QUERY,
                state=state,
                saved_query=view,
                object_name=view.name,
                author=chosen.choice(people),
                reason=f"{chosen.choice(REASONS)} ({number})",
                state_changed_at=now - timedelta(minutes=number),
            )
        )
    applied = [change for change in made if change.state in CLOSED]
    sent = bulk([_mutation(change) for change in applied])
    for change, mutation in zip(applied, sent, strict=True):
        change.mutation = mutation
    bulk(made)
    revisions = bulk([_revision(change) for change in made])
    bulk([_item(revision) for revision in revisions])
    others = {person.pk: people[place - 1] for place, person in enumerate(people)}
    bulk(
        [
            Vote(
                change=revision.change,
                revision=revision,
                voter=others[revision.change.author_id],
                verdict=Vote.Verdict.APPROVE,
                digest=revision.digest,
                at=now,
            )
            for revision in revisions
            if revision.change.state in CLOSED
        ]
    )


def _mutation(change: ChangeRequest) -> Mutation:
    return Mutation(
        connection=change.connection,
        kind=Mutation.Kind.EDIT_QUERY,
        state=Mutation.State.HAPPENED,
        idempotency_key=uuid.uuid4().hex,
        actor=change.author,
        object_id=str(change.saved_query_id),
        object_name=change.saved_query.name,
        payload={"query": "SELECT 1 FROM events"},
        before={"query": "SELECT 2 FROM events"},
    )


def _item(revision: Revision) -> Item:
    change = revision.change
    return Item(
        revision=revision,
        action=change.action,
        saved_query=change.saved_query,
        object_name=change.object_name,
        base={"query": "SELECT 2 FROM events"},
        proposal={"query": "SELECT 1 FROM events"},
    )


def _revision(change: ChangeRequest) -> Revision:
    digest = uuid.uuid4().hex
    return Revision(
        change=change,
        number=1,
        editor=change.author,
        digest=digest,
        meaning_digest=digest,
        created_at=change.state_changed_at,
    )


def _seed_resumes(
    connection: Connection, people: list[User], views: list[SavedQuery], count: int, chosen: random.Random
) -> None:
    """A campaign for every ten views; the newest hundred still have their items."""
    State = Campaign.State
    made = bulk(
        [
            Campaign(
                connection=connection,
                state=chosen.choice((State.SUCCEEDED, State.SUCCEEDED, State.STOPPED)),
                reason=f"After incident {number}",
                started_by=chosen.choice(people),
            )
            for number in missing(count // 10, Campaign)
        ]
    )
    bulk(
        [
            CampaignItem(
                campaign=resume,
                saved_query=view,
                is_open=False,
                position=place,
                outcome=chosen.choice((CampaignItem.Outcome.RESUMED, CampaignItem.Outcome.FAILED_AGAIN)),
            )
            for resume in made[-100:]
            for place, view in enumerate(chosen.sample(views, VIEWS_OF_A_RESUME))
        ]
    )


def _seed_activity(
    connection: Connection, people: list[User], views: list[SavedQuery], count: int, chosen: random.Random
) -> None:
    """One in twenty waits for a person."""
    now, Source = timezone.now(), ActivityEntry.Source
    kinds = (Observation.Kind.EDITED, Observation.Kind.RENAMED, Observation.Kind.SUSPENDED)
    entries = []
    for number in missing(count, ActivityEntry):
        view, waits = chosen.choice(views), number % 20 == 0
        source = Source.OUTSIDE if waits else chosen.choice(Source.values)
        entries.append(
            ActivityEntry(
                connection=connection,
                saved_query=view,
                source=source,
                kind=chosen.choice(kinds),
                object_name=view.name,
                author="" if source == Source.UNKNOWN else chosen.choice(people).email,
                before={"query": "SELECT 2 FROM events " * 20},
                after={"query": "SELECT 1 FROM events " * 20},
                occurred_at=now - timedelta(minutes=number),
                needs_review=waits or number % 3 == 0,
                verdict="" if waits or number % 3 else ActivityEntry.Verdict.ACCEPTED,
            )
        )
    bulk(entries)


def _seed_audit(connection: Connection, people: list[User], count: int, chosen: random.Random) -> None:
    """Entries chained as they should be."""
    head, _ = ChainHead.objects.get_or_create(pk=1)
    start = timezone.now() - timedelta(days=300)
    entries = []
    for sequence in range(head.sequence + 1, count + 1):
        actor = chosen.choice(people)
        entry = AuditEntry(
            sequence=sequence,
            at=start + timedelta(minutes=sequence),
            actor=actor,
            actor_name=actor.username,
            actor_kind=AuditEntry.ActorKind.PERSON,
            action=chosen.choice(ACTIONS),
            connection=connection.slug,
            object_type="saved_query",
            object_id=str(uuid.UUID(int=chosen.getrandbits(128))),
            object_name=f"bench.mart_{sequence:05}",
            result=AuditEntry.Result.DENIED if sequence % 40 == 0 else AuditEntry.Result.OK,
            reason=f"{chosen.choice(REASONS)} ({sequence})",
            after={"state": "applied"},
            request_id=uuid.UUID(int=chosen.getrandbits(128)).hex,
            prev_hash=head.hash,
        )
        entry.hash = chain.entry_hash([getattr(entry, name) for name in chain.FIELDS])
        head.sequence, head.hash = sequence, entry.hash
        entries.append(entry)
    bulk(entries)
    head.save()
