"""When PostHog moved on: nobody's lines are dropped unsaid, and no vote counts for what it was not given for."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.changes.conftest import trail
from tests.mirror.logs import VIEW_LOG, refuse
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import attribution, policies, presenters, rebase, services
from warehouse_admin.changes.dropped import dropped
from warehouse_admin.changes.errors import BaseMoved, DropsLines, StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.shown import cautions
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.mirror import known_people
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery, SyncRun

State = ChangeRequest.State
ANA = "ana@harborgoods.example"
BASE = "SELECT\n  order_id,\n  amount\nFROM stg_app_orders\nWHERE amount > 0\nLIMIT 10"
THEIRS = BASE.replace("  amount\n", "  currency,\n  amount\n")
MINE = BASE.replace("LIMIT 10", "LIMIT 99")
BOTH = THEIRS.replace("LIMIT 10", "LIMIT 99")
COSMETIC = BASE.replace("SELECT", "-- one row for each order\nselect")


@pytest.fixture
def based(sandbox, remote, view):
    """The view holds BASE, and the mirror knows it."""
    sandbox.world.edit_outside(remote.name, BASE)
    mirror.read_live(view)
    return remote


@pytest.fixture
def conflicting(based, sandbox, proposed, approve):
    """A change of MINE that met THEIRS when it was applied."""

    def make(mine: str = MINE, theirs: str = THEIRS) -> ChangeRequest:
        change = proposed(mine)
        sandbox.world.edit_outside(based.name, theirs)
        change = approve(change)
        assert change.state == State.NEEDS_REBASE
        return change

    return make


def sync(connection) -> None:
    """Read PostHog and its log."""
    run = mirror.start_sync(connection=connection, kind=SyncRun.Kind.FULL)
    mirror.run_sync(run.pk)
    run.refresh_from_db()
    assert run.state == SyncRun.State.SUCCEEDED, run.error


def last_event(change: ChangeRequest):
    return change.events.order_by("at", "pk").last()


def last_entry(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).order_by("sequence").last()


# --- what is left out of the work of others


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        (BOTH, []),
        (MINE, ["  currency,"]),
        (THEIRS.replace("  order_id,\n  currency,", "  currency,\n  order_id,"), []),
        (THEIRS.replace("currency", "upper(currency)"), []),
        (THEIRS.replace("  currency,\n  amount", "  currency, amount"), []),
        (THEIRS.replace("  currency", "  -- currency"), ["  currency,"]),
    ],
    ids=["kept", "lacking", "moved", "within another", "on one line", "commented out"],
)
def test_a_line_of_others_counts_as_dropped_unless_its_words_are_still_there(result, lines):
    found = dropped(BASE, THEIRS, result)

    assert [line.text for line in found.added] == lines
    assert found.removed == ()


def test_a_line_that_others_removed_and_the_result_has_again_is_told():
    theirs = BASE.replace("WHERE amount > 0\n", "")

    found = dropped(BASE, theirs, MINE)

    assert [(line.number, line.text) for line in found.removed] == [(5, "WHERE amount > 0")]
    assert not dropped(BASE, theirs, theirs.replace("10", "99"))


# --- rebase


def test_a_rebase_that_keeps_their_lines_says_nothing_of_dropping(conflicting, author):
    change = services.rebase(conflicting(), author, BOTH, agreed="")

    assert (change.state, change.revision_number) == (State.IN_REVIEW, 2)
    assert last_event(change).kind == "rebased"
    assert "Drops" not in last_event(change).text
    assert "drops" not in last_entry("change.rebased").after


def test_a_rebase_drops_lines_of_others_only_when_exactly_those_were_agreed_to(conflicting, author):
    change = conflicting()

    with pytest.raises(DropsLines) as refused:
        services.rebase(change, author, MINE, agreed="")
    with pytest.raises(DropsLines):
        services.rebase(change, author, MINE, agreed=text_digest("other lines"))
    change.refresh_from_db()
    assert (change.state, change.revision_number) == (State.NEEDS_REBASE, 1)

    change = services.rebase(change, author, MINE, agreed=refused.value.dropped.digest)

    assert change.state == State.IN_REVIEW
    assert f"Drops 1 line that {ANA} added:\n3: currency," in last_event(change).text
    entry = last_entry("change.rebased")
    assert entry.after["drops"] == [{"number": 3, "text": "  currency,", "by": ANA}]
    assert "Drops 1 line" in entry.reason


def test_without_asking_the_dropped_lines_are_told_all_the_same(conflicting, author):
    change = services.rebase(conflicting(), author, MINE)

    assert "Drops 1 line" in last_event(change).text
    assert last_entry("change.rebased").after["drops"][0]["text"] == "  currency,"
    assert any(f"of what {ANA} did in PostHog meanwhile" in text for text in cautions(change, change.revisions.last()))
    left = rebase.left_out_so_far(change, change.revisions.get(number=2))
    assert [line.text for line in left.added] == ["  currency,"]


def test_a_conflict_names_at_once_who_made_it(conflicting):
    change = conflicting()

    [edit] = attribution.edits_since(change.saved_query, change.revisions.get(number=1).base, THEIRS)
    assert edit.is_exact and edit.who == ANA
    assert f"{ANA} changed it in PostHog on " in last_event(change).text
    assert f"{ANA} changed it in PostHog on " in last_entry("change.needs_rebase").reason


def test_two_edits_that_no_read_met_apart_are_told_apart(
    based, sandbox, connection, proposed, author, approve, committed
):
    sync(connection)
    change = proposed(MINE)
    sandbox.world.edit_outside(based.name, THEIRS, "ana")
    sandbox.world.edit_outside(based.name, THEIRS.replace("  order_id,\n", "  order_id,\n  status,\n"), "ben")

    services.rebase(approve(change), author, MINE)

    by = {line["text"].strip(): line["by"] for line in last_entry("change.rebased").after["drops"]}
    assert by["status,"].startswith("ben")
    assert by["currency,"] == ANA
    with committed():
        sync(connection)
    newest = change.saved_query.versions.order_by("-number")[:2]
    assert [version.author_name.split("@")[0] for version in newest] == ["ben", "ana"]


def test_who_wrote_the_dropped_lines_is_asked_again_when_the_log_could_not_be_read_before(conflicting, sandbox, author):
    refuse(sandbox, VIEW_LOG, 503)
    change = conflicting()
    assert "Somebody unknown changed it in PostHog" in last_event(change).text
    sandbox.world.faults.clear()

    services.rebase(change, author, MINE)

    [line] = last_entry("change.rebased").after["drops"]
    assert line["by"] == ANA


def test_each_line_is_the_work_of_the_one_who_brought_it(based, sandbox, connection, proposed, author, approve):
    change = proposed(MINE)
    sandbox.world.edit_outside(based.name, THEIRS, "ana")
    sync(connection)
    sandbox.world.edit_outside(based.name, THEIRS.replace("  order_id,\n", "  order_id,\n  status,\n"), "ben")
    sync(connection)
    services.rebase(approve(change), author, MINE)

    by = {line["text"].strip(): line["by"] for line in last_entry("change.rebased").after["drops"]}
    assert by["status,"].startswith("ben")
    assert by["currency,"].startswith("ana")


def test_an_edit_made_here_is_told_with_its_change(based, proposed, author, approve):
    mine, theirs = proposed(MINE), proposed(THEIRS)
    assert approve(theirs).state == State.APPLIED
    mine = approve(mine)
    assert mine.state == State.NEEDS_REBASE

    [edit] = attribution.edits_since(mine.saved_query, mine.revisions.get(number=1).base, THEIRS)
    assert (edit.name, edit.change_number) == (author.display_name, theirs.pk)


def test_without_the_log_the_author_is_unknown_and_not_guessed(conflicting, sandbox):
    refuse(sandbox, VIEW_LOG, 403)
    change = conflicting()

    [edit] = attribution.edits_since(change.saved_query, change.revisions.get(number=1).base, THEIRS)

    assert (edit.who, edit.name, edit.is_exact) == ("", attribution.UNKNOWN, False)


# --- replace and give way


def test_replacing_says_whose_work_it_overwrites_and_is_reviewed_anew(conflicting, connection, author, approve, based):
    change = conflicting()
    sync(connection)

    change = services.replace_remote(change, author, text_digest(THEIRS))

    revision = change.revisions.get(number=2)
    assert (revision.base["query"], revision.proposal["query"]) == (THEIRS, MINE)
    assert change.state == State.IN_REVIEW
    assert not policies.is_approved(change, revision)
    assert last_event(change).kind == "remote_replaced"
    assert last_event(change).text.startswith("Overwrites what ana")
    assert "Drops 1 line that ana" in last_event(change).text
    entry = last_entry("change.remote_replaced")
    assert "Overwrites what ana" in entry.reason and entry.after["drops"]
    assert approve(change).state == State.APPLIED
    assert based.sql == MINE


def test_replacing_is_for_what_was_shown(conflicting, author, sandbox, based):
    change = conflicting()
    sandbox.world.edit_outside(based.name, "SELECT 8 AS newer")

    with pytest.raises(BaseMoved):
        services.replace_remote(change, author, text_digest(THEIRS))

    assert change.revisions.count() == 1


def test_giving_way_closes_the_change_in_favour_of_theirs(conflicting, connection, author, based):
    change = conflicting()
    sync(connection)

    change = services.drop_mine(change, author)

    assert change.state == State.SUPERSEDED
    assert last_event(change).text.startswith("Given up in favour of what ana")
    assert trail("change.")[-1] == ("change.dropped", "ok")
    assert based.sql == THEIRS


@pytest.mark.parametrize("service", [services.replace_remote, services.drop_mine])
def test_only_the_author_settles_a_conflict(service, conflicting, reviewer, admin):
    change = conflicting()
    for somebody in (reviewer, admin):
        with pytest.raises(NotPermitted):
            service(change, somebody)
    change.refresh_from_db()
    assert change.state == State.NEEDS_REBASE


# --- a base that moved without changing its meaning


def test_a_base_that_changed_in_layout_alone_is_followed_and_the_votes_stay(
    based, sandbox, proposed, author, approve, view
):
    change = proposed(MINE)
    sandbox.world.edit_outside(based.name, COSMETIC)

    change = approve(change)

    assert change.state == State.APPLIED
    assert based.sql == COSMETIC.replace("LIMIT 10", "LIMIT 99")
    assert sandbox.world.writes(based.id) == 1
    assert change.votes.get().voided_at is None
    revision = change.revisions.get(number=2)
    assert (revision.base["query"], revision.editor) == (COSMETIC, author)
    assert revision.meaning_digest == change.revisions.get(number=1).meaning_digest
    event = change.events.get(kind="base_refreshed")
    assert "kept in it; the votes stay" in event.text
    assert trail("change.base_refreshed") == [("change.base_refreshed", "ok")]


def test_where_both_layouts_meet_ours_is_applied_and_theirs_is_told(based, sandbox, proposed, approve):
    change = proposed(BASE.replace("SELECT", "SELECT DISTINCT"))
    sandbox.world.edit_outside(based.name, COSMETIC)

    change = approve(change)

    assert (change.state, based.sql) == (State.APPLIED, BASE.replace("SELECT", "SELECT DISTINCT"))
    assert "replaced by this change's own" in change.events.get(kind="base_refreshed").text


def test_a_base_that_keeps_moving_waits_for_a_person(based, sandbox, proposed, reviewer, monkeypatch):
    change = proposed(MINE)
    services.approve(change, reviewer)
    for number in range(10):
        sandbox.world.edit_outside(based.name, f"-- {number}\n{BASE}")
        change = services.advance(change.pk)
        if change.state != State.APPLYING:
            break

    assert (change.state, change.events.filter(kind="base_refreshed").count()) == (State.NEEDS_REBASE, 3)
    assert sandbox.world.writes(based.id) == 0


def test_what_somebody_else_did_after_the_base_was_followed_is_not_ours(based, sandbox, proposed, reviewer):
    change = proposed(MINE)
    services.approve(change, reviewer)
    sandbox.world.edit_outside(based.name, COSMETIC)
    change = services.advance(change.pk)
    assert (change.state, change.attempts) == (State.APPLYING, 2)
    sandbox.world.edit_outside(based.name, change.revisions.get(number=2).proposal["query"])

    change = services.advance(change.pk)

    assert change.state == State.SUPERSEDED
    assert sandbox.world.writes(based.id) == 0
    assert trail("change.superseded") == [("change.superseded", "ok")]


def test_a_moved_token_with_the_same_text_is_no_conflict(based, sandbox, proposed, approve):
    change = proposed(MINE)
    sandbox.world.edit_outside(based.name, THEIRS)
    sandbox.world.edit_outside(based.name, BASE)

    assert approve(change).state == State.APPLIED
    assert (based.sql, change.revision_number) == (MINE, 1)


def test_a_base_that_really_changed_is_never_followed(conflicting, based, sandbox):
    change = conflicting()

    assert not change.events.filter(kind="base_refreshed").exists()
    assert sandbox.world.writes(based.id) == 0


# --- deleted, and made anew


@pytest.fixture
def remade(based, sandbox, connection, proposed):
    """A change whose view was deleted and made anew under another id."""
    change, name = proposed(MINE), based.name
    sandbox.world.delete_outside(name)
    sandbox.world.create_outside(name, BASE)
    sync(connection)
    return ChangeRequest.objects.get(pk=change.pk)


def test_a_change_is_carried_over_to_the_view_that_came_instead(remade, author):
    made = services.carry_over(remade, author)

    new = SavedQuery.objects.present().get(name=remade.saved_query.name)
    assert (made.saved_query, made.state, made.reason) == (new, State.IN_REVIEW, remade.reason)
    assert made.revisions.get().proposal == {"query": MINE}
    remade.refresh_from_db()
    assert remade.state == State.SUPERSEDED
    assert f"#{made.pk}" in last_event(remade).text and f"#{remade.pk}" in last_event(made).text
    entry = last_entry("change.carried_over")
    assert entry.after == {"change": made.pk, "saved_query": str(new.posthog_id)}


def test_who_suggested_a_part_of_it_does_not_approve_it_there_either(remade, author, reviewer):
    place = {"revision": 1, "side": "proposal", "place": (1, 1)}
    thread = services.open_thread(remade, reviewer, services.Said("", "SELECT 7 AS seven,"), **place)
    services.accept_suggestions(remade, author, [thread.comments.get().pk], revision=1)

    made = services.carry_over(remade, author)

    with pytest.raises(NotPermitted, match="What you suggested"):
        services.approve(made, reviewer)


def test_a_double_click_carries_over_once(remade, author):
    first = services.carry_over(remade, author)

    with pytest.raises(StateForbids):
        services.carry_over(remade, author)

    assert list(ChangeRequest.objects.filter(saved_query=first.saved_query)) == [first]
    assert trail("change.carried_over") == [("change.carried_over", "ok")]


def test_there_is_nothing_to_carry_over_to_when_nothing_came_instead(based, sandbox, connection, proposed, author):
    change = proposed(MINE)
    sandbox.world.delete_outside(based.name)
    sync(connection)

    with pytest.raises(StateForbids, match="No other view is known"):
        services.carry_over(change, author)


def test_a_view_that_is_still_there_carries_nothing_over(based, proposed, author):
    with pytest.raises(StateForbids):
        services.carry_over(proposed(MINE), author)


def test_rebasing_onto_a_view_that_is_gone_says_so(conflicting, sandbox, based, author):
    change = conflicting()
    sandbox.world.delete_outside(based.name)

    with pytest.raises(UserError, match="no longer exists"):
        services.rebase(change, author, BOTH)


# --- what a conflict does to the votes


def test_in_a_conflict_no_approval_counts_and_each_says_why(conflicting, author, reviewer, client_of):
    change = conflicting()
    cache.delete(known_people.KEY)

    told = presenters.detail_dict(change, author)

    assert [(vote["counts"], vote["why_not"]) for vote in told["votes"]] == [(False, "PostHog has moved on since")]
    assert [rule["approvals"] for rule in told["requirements"]] == [0]
    page = client_of(author).get(f"/changes/{change.pk}/").content.decode()
    assert f"<s>{reviewer.display_name}</s>" in page
    assert "One reviewer: 0 of 1" in page
    assert ANA in change.problem and ANA not in page.replace(f'title="{change.problem}', "")
    assert "Ana Ruiz changed it in PostHog" in page

    change = services.rebase(change, author, BOTH)

    assert f"the approval of {reviewer.display_name} no longer counts" in last_event(change).text
