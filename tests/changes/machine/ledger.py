"""Watches from outside: every row that is saved, every write that leaves, and says what must never be."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models.signals import post_save

from tests.changes.machine.approval import why_not_approved, why_not_followed
from tests.changes.machine.law import FINAL, LEGAL, NOTHING_LANDED, TOLD
from tests.changes.machine.network import Network, Write
from tests.changes.machine.stage import Stage
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, CoAuthor, Item, Revision, Vote
from warehouse_admin.core.errors import UserError
from warehouse_admin.mutations.models import Mutation, ObjectLock
from warehouse_admin.posthog.queries import QUERY

ROWS = (ChangeRequest, Revision, Item, Vote, CoAuthor, ChangeEvent, Mutation, ObjectLock)
TOLD_ALL_THE_SAME = ("change.approval_lost", "change.dependents_appeared")
"""A refusal that finds an approval gone says so, and puts the change back to review."""


class Ledger:
    """What happened so far, as it was committed."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.states: dict[int, str] = {}
        self.hops: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []  # what was seen while somebody's code ran that logs every failure and goes on
        self.network = Network(stage, self.leaving)
        self._transaction: list[tuple[Any, str, Any]] = []
        self._sequence = 0
        post_save.connect(self._saved_change, ChangeRequest)
        post_save.connect(self._saved_entry, AuditEntry)
        post_save.connect(self._saved_mutation, Mutation)

    def close(self) -> None:
        for heard, model in (
            (self._saved_change, ChangeRequest),
            (self._saved_entry, AuditEntry),
            (self._saved_mutation, Mutation),
        ):
            post_save.disconnect(heard, model)

    def _insist(self, wrong: str) -> None:
        """Nothing is wrong, or the next look says what."""
        if wrong:
            self.wrong.append(wrong)

    # what is saved counts when it is committed, and only together with the rest of its transaction

    def _outermost(self) -> Any:
        open_ones = database.savepoint_ids[self.stage.depth :]
        assert open_ones, "saved outside of a transaction"
        return open_ones[0]

    def _saved_change(self, instance: ChangeRequest, **_: Any) -> None:
        transaction.on_commit(partial(self._committed, self._outermost(), "hop", (instance.pk, str(instance.state))))

    def _saved_entry(self, instance: AuditEntry, **_: Any) -> None:
        if instance.object_type == "change":
            told = (int(instance.object_id), instance.action.removeprefix("change."))
            transaction.on_commit(partial(self._committed, self._outermost(), "entry", told))
            if instance.action == "change.base_refreshed":
                self._insist(why_not_followed(ChangeRequest.objects.get(pk=instance.object_id)))

    def _saved_mutation(self, instance: Mutation, created: bool, **_: Any) -> None:
        if created:
            why = why_not_approved(instance)
            self._insist(why and f"{instance} is claimed, and yet {why}")

    def _committed(self, outermost: Any, kind: str, what: Any) -> None:
        if self._transaction and self._transaction[0][0] != outermost:
            self._close_transaction()
        self._transaction.append((outermost, kind, what))

    def _close_transaction(self) -> None:
        """Every step of it is legal, and one of its audit entries tells of it."""
        told = defaultdict(set)
        for _, kind, what in self._transaction:
            if kind == "entry":
                told[what[0]].add(what[1])
        for _, kind, what in self._transaction:
            if kind != "hop":
                continue
            pk, to = what
            before, self.states[pk] = self.states.get(pk, ""), to
            if before == to:
                continue
            self.hops[before, to] += 1
            assert to in LEGAL[before], f"#{pk} went from {before or 'nothing'} to {to}"
            explained = any((before, to) in TOLD.get(entry, ()) for entry in told[pk])
            assert explained, f"#{pk} {before} → {to}: the trail only tells of {sorted(told[pk])}"
        self._transaction.clear()

    # what leaves

    def leaving(self, method: str, path: str, body: Any) -> str:
        """Asked right before a write leaves: which mutation is it? It has to be on record."""
        try:
            return self._mutation_of(method, path, body)
        except AssertionError as wrong:
            self._insist(str(wrong))
            raise

    def _mutation_of(self, method: str, path: str, body: Any) -> str:
        assert len(database.savepoint_ids) == self.stage.depth, "a transaction is open while PostHog is spoken to"
        spent = {write.mutation for write in self.network.writes if not self._refused_for_now(write)}
        marked = Mutation.objects.filter(state="sending", sent_at__isnull=False).order_by("-sent_at")
        mine = [one for one in marked if one.remote["path"].endswith(path) and str(one.pk) not in spent]
        assert mine, f"{method} {path} leaves without a mutation that says so"
        mutation = mine[0]
        assert mutation.remote["method"] == method
        asked = AuditEntry.objects.filter(request_id=mutation.request_id, action=f"saved_query.{mutation.kind}")
        assert asked.filter(result="asked").exists(), f"{mutation} leaves before the trail knows"
        change_pk, number = mutation.idempotency_key.split(":")[1:3]
        change = ChangeRequest.objects.get(pk=change_pk)
        assert (change.state, change.mutation_id) == ("applying", mutation.pk)
        assert change.revision_number == int(number)
        assert sent_values(mutation.kind, body) == wanted_values(mutation), (mutation, body)
        return str(mutation.pk)

    @staticmethod
    def _refused_for_now(write: Write) -> bool:
        return write.status == 429

    # what must hold after every step

    def rows(self) -> dict[str, Any]:
        return {model.__name__: sorted(map(repr, model.objects.values_list())) for model in ROWS}

    def refused(self, before: dict[str, Any], refusal: UserError) -> None:
        """A refused call changed nothing, and said why in a sentence."""
        said = refusal.message.strip()
        assert len(said) > 10 and said[-1] in ".!?)”…", said
        new = AuditEntry.objects.filter(sequence__gt=self._sequence).values_list("action", flat=True)
        if not set(new) & set(TOLD_ALL_THE_SAME):
            now = self.rows()
            changed = {name: (before[name], now[name]) for name in before if before[name] != now[name]}
            assert changed == {}, f"refused ({said}), and yet: {changed}"

    def check(self) -> None:
        assert not self.wrong, self.wrong
        if self._transaction:
            self._close_transaction()
        there = {pk: str(state) for pk, state in ChangeRequest.objects.values_list("pk", "state")}
        assert there == self.states, "a state moved without anybody being told"
        mutations = {str(one.pk): one for one in Mutation.objects.all()}
        self._sent_once(mutations)
        self._on_record(list(mutations.values()))
        self._votes()
        assert audit.verify(from_sequence=self._sequence + 1).problem == ""
        last = AuditEntry.objects.order_by("-sequence").first()
        self._sequence = last.sequence if last else 0

    def _sent_once(self, mutations: dict[str, Mutation]) -> None:
        left = Counter((write.method, write.path) for write in self.network.writes if write.came)
        arrived = [one for one in self.stage.world.requests if one.method != "GET" and not one.path.endswith(QUERY)]
        received = Counter((one.method, one.path.split("/1/", 1)[1]) for one in arrived)
        assert left == received, "PostHog received other writes than those that were looked at"
        counted = [write for write in self.network.writes if not self._refused_for_now(write)]
        assert all(many == 1 for many in Counter(write.mutation for write in counted).values()), counted
        assert len({one.idempotency_key for one in mutations.values()}) == len(mutations)
        for write in counted:
            mutation = mutations[write.mutation]
            if write.landed:
                assert mutation.state not in NOTHING_LANDED, f"{mutation}: it did land"
                settled = mutation.remote.get("settled") or mutation.kind == "create_view"
                assert mutation.state != "conflict" or settled, f"{mutation}: it did land"
        sent = {str(one.pk) for one in mutations.values() if one.sent_at is not None}
        assert {write.mutation for write in counted} <= sent

    def _on_record(self, mutations: list[Mutation]) -> None:
        groups: dict[tuple[str, str, str], list[Mutation]] = defaultdict(list)
        for one in mutations:
            groups[one.request_id, f"saved_query.{one.kind}", one.object_name].append(one)
        entries: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        found = AuditEntry.objects.filter(action__startswith="saved_query.").order_by("sequence")
        for request, action, name, result in found.values_list("request_id", "action", "object_name", "result"):
            entries[request, action, name].append(result)
        for key, ones in groups.items():
            told = entries.pop(key, [])
            assert told[: len(ones)].count("asked") >= 1 and told.count("asked") == len(ones), (key, told)
            ended = sum(one.state in FINAL for one in ones)
            open_ones = sum(one.state == "unconfirmed" for one in ones)
            outcomes = len(told) - told.count("asked")
            assert ended + open_ones <= outcomes <= 2 * ended + open_ones, (key, told, [one.state for one in ones])
            if len(ones) == 1 and outcomes == 2:
                assert told[1] == "unknown", (key, told)
        assert not entries, f"the trail tells of what was never asked: {dict(entries)}"

    def _votes(self) -> None:
        standing = Counter()
        for vote in Vote.objects.select_related("change", "revision"):
            assert vote.voter_id != vote.change.author_id, f"{vote}: the author"
            assert vote.voter_id != vote.revision.editor_id, f"{vote}: who wrote the revision"
            if vote.voided_at is None:
                standing[vote.change_id, vote.voter_id] += 1
                assert not CoAuthor.objects.filter(change=vote.change_id, person=vote.voter_id).exists()
        assert not standing or max(standing.values()) == 1, standing
        by_token = AuditEntry.objects.exclude(token_name="").filter(action__startswith="change.")
        decided = ("change.approved", "change.changes_requested", "change.rejected", "change.objection_dismissed")
        assert not by_token.filter(action__in=decided, result="ok").exists()


def sent_values(kind: str, body: Any) -> dict[str, Any]:
    """What a write asks PostHog for, without its token."""
    body = dict(body or {})
    body.pop("edited_history_id", None)
    if "query" in body:
        assert body["query"]["kind"] == "HogQLQuery"
        body["query"] = body["query"]["query"]
    return body


def wanted_values(mutation: Mutation) -> dict[str, Any]:
    """The same as its revision was shown to reviewers."""
    _, change, number, _ = mutation.idempotency_key.split(":")
    item = Item.objects.get(revision__change_id=change, revision__number=number)
    assert (item.action, item.base) == (mutation.kind, mutation.base)
    wanted = dict(item.proposal)
    if mutation.kind == "materialize" and not mutation.connection.generation == "D":
        wanted.pop("sync_frequency")  # older servers heed none
    return wanted
