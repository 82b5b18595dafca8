"""Drafts: one of each person for each view, kept while they type, and nobody else's business."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from tests.changes.conftest import NEW_SQL, trail
from tests.changes.test_pages import shown
from warehouse_admin.accounts.roles import Role
from warehouse_admin.changes import drafts, services
from warehouse_admin.changes.errors import DraftMoved, StateForbids
from warehouse_admin.changes.models import ChangeRequest, Draft
from warehouse_admin.changes.tasks import remove_old_drafts
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.lineage.checks import LARGEST_VIEW_BYTES
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery

HALF = "SELECT order_id FROM"


@pytest.fixture
def colleague(person):
    return person("colleague", Role.EDITOR)


def aged(draft: Draft, age: timedelta) -> None:
    Draft.objects.filter(pk=draft.pk).update(updated_at=timezone.now() - age)


def test_half_a_query_is_kept_and_is_no_change_yet(author, view):
    kept = drafts.save(author, view, query=HALF, reason="bec")

    assert drafts.own(author, view) == kept
    assert (kept.query, kept.reason, kept.base) == (HALF, "bec", text_digest(view.query))
    assert not ChangeRequest.objects.exists()
    assert trail() == [], "each keystroke in the trail would bury it"


def test_saving_again_replaces_it_and_its_version_grows(author, view):
    first = drafts.save(author, view, query=HALF)
    second = drafts.save(author, view, query=NEW_SQL, seen=first.version)

    assert Draft.objects.get().query == NEW_SQL
    assert second.version > first.version


def test_a_second_tab_does_not_overwrite_the_first(author, view):
    drafts.save(author, view, query="first tab", seen=0)

    with pytest.raises(DraftMoved) as moved:
        drafts.save(author, view, query="second tab", seen=0)

    assert moved.value.draft.query == "first tab"
    assert Draft.objects.get().query == "first tab"
    chosen = drafts.save(author, view, query="second tab", seen=moved.value.draft.version)
    assert chosen.query == "second tab"


def test_the_same_text_again_is_no_disagreement(author, view):
    kept = drafts.save(author, view, query=HALF, seen=0)

    assert drafts.save(author, view, query=HALF, seen=0).version == kept.version


def test_a_tab_left_open_does_not_bring_back_a_draft_that_was_discarded(author, view):
    kept = drafts.save(author, view, query=HALF)
    assert drafts.discard(author, view, seen=kept.version)

    with pytest.raises(DraftMoved) as moved:
        drafts.save(author, view, query=NEW_SQL, seen=kept.version)

    assert moved.value.draft is None
    assert not Draft.objects.exists()


def test_a_version_never_comes_again(author, view):
    kept = drafts.save(author, view, query=HALF)
    drafts.discard(author, view)
    drafts.save(author, view, query="begun anew")

    with pytest.raises(DraftMoved):
        drafts.save(author, view, query="of the first", seen=kept.version)


def test_a_draft_is_not_discarded_over_what_another_tab_wrote(author, view):
    first = drafts.save(author, view, query=HALF)
    drafts.save(author, view, query=NEW_SQL, seen=first.version)

    with pytest.raises(DraftMoved):
        drafts.discard(author, view, seen=first.version)

    assert Draft.objects.get().query == NEW_SQL


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"query": "SELECT '\0'"}, "query"),
        ({"query": "SELECT '\ud83d'"}, "query"),
        ({"query": "x" * (LARGEST_VIEW_BYTES + 1)}, "query"),
        ({"query": HALF, "reason": "r" * 5_001}, "reason"),
        ({"query": HALF, "name": "n" * 201}, "name"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_field(author, view, typed, field):
    with pytest.raises(InvalidInput) as refused:
        drafts.save(author, view, **typed)

    assert list(refused.value.errors) == [field]
    assert not Draft.objects.exists()


def test_only_those_who_may_propose_keep_drafts(viewer, view):
    with pytest.raises(NotPermitted):
        drafts.save(viewer, view, query=HALF)


def test_a_draft_of_somebody_elses_change_is_not_begun(colleague, proposed):
    with pytest.raises(NotPermitted):
        drafts.save(colleague, proposed(), query=HALF)


def test_a_view_or_a_change_that_cannot_be_edited_gets_no_new_draft(author, view, applied):
    with pytest.raises(StateForbids):
        drafts.save(author, applied, query=HALF)
    view.deleted_at = timezone.now()
    with pytest.raises(UserError, match="was deleted"):
        drafts.save(author, view, query=HALF)


def test_what_was_begun_is_kept_when_the_view_is_deleted_meanwhile(author, view, client_of, edit_url):
    drafts.save(author, view, query=HALF)
    SavedQuery.objects.filter(pk=view.pk).update(deleted_at=timezone.now())
    view.refresh_from_db()

    drafts.save(author, view, query=NEW_SQL)

    page = client_of(author).get(edit_url)
    assert "cannot be edited any more" in shown(page)
    assert "stg_app_orders" in shown(page)


def test_what_was_begun_is_kept_when_the_change_is_applied_meanwhile(author, reviewer, proposed, committed, client_of):
    change = proposed()
    drafts.save(author, change, query="SELECT 2 AS two", revision=1)
    with committed():
        services.approve(change, reviewer)

    page = client_of(author).get(reverse("changes:revise", args=[change.pk]))

    assert "cannot be edited where it stands now" in shown(page)
    assert "two" in shown(page)


def test_a_draft_is_about_one_thing(author, view, connection):
    with pytest.raises(IntegrityError), transaction.atomic():
        Draft.objects.create(user=author, saved_query=view, connection=connection, version=1, updated_at=timezone.now())


def test_view_change_and_new_view_have_a_draft_each(author, view, proposed, connection):
    change = proposed()
    for about in (view, change, connection):
        drafts.save(author, about, query=f"of {about}", name="new_view" if about is connection else "")

    assert [drafts.own(author, about).query for about in (view, change, connection)] == [
        f"of {view}",
        f"of {change}",
        f"of {connection}",
    ]
    assert len(drafts.mine(author)) == 3


def test_proposing_takes_the_draft_along(author, view):
    kept = drafts.save(author, view, query=HALF)

    services.create(author=author, saved_query=view, query=NEW_SQL, reason="r", draft=kept.version)

    assert not Draft.objects.exists()
    assert trail() == [("change.created", "ok")]


def test_a_refused_proposal_leaves_the_draft(author, view):
    kept = drafts.save(author, view, query=HALF)

    with pytest.raises(UserError):
        services.create(author=author, saved_query=view, query=HALF, reason="r", draft=kept.version)

    assert drafts.own(author, view) == kept


def test_proposing_leaves_what_another_tab_wrote_and_what_others_wrote(author, colleague, view):
    seen = drafts.save(author, view, query=HALF)
    drafts.save(author, view, query="other tab", seen=seen.version)
    drafts.save(colleague, view, query=NEW_SQL)

    services.create(author=author, saved_query=view, query=NEW_SQL, reason="r", draft=seen.version)

    assert drafts.own(author, view).query == "other tab"
    assert drafts.own(colleague, view).query == NEW_SQL


def test_a_script_that_proposes_something_else_leaves_the_draft(author, view):
    drafts.save(author, view, query=HALF)

    services.create(author=author, saved_query=view, query=NEW_SQL, reason="r")

    assert drafts.own(author, view).query == HALF


def test_revising_takes_the_draft_along(author, proposed):
    change = proposed()
    kept = drafts.save(author, change, query="SELECT 2 AS two", revision=1)

    services.revise(change, author, "SELECT 3 AS three", 1, draft=kept.version)

    assert not Draft.objects.exists()


def test_submitting_a_draft_change_takes_along_the_draft_that_it_holds_already(author, proposed):
    change = proposed(submit=False)
    drafts.save(author, change, query=NEW_SQL, revision=1)

    services.submit(change, author)

    assert not Draft.objects.exists()


def test_an_edit_in_posthog_is_told_with_its_author(author, view, sandbox, remote):
    kept = drafts.save(author, view, query=HALF)
    assert drafts.base_moved(kept) is None
    sandbox.world.edit_outside(remote.name, "SELECT 5 AS theirs")
    mirror.read_live(view)
    view.versions.filter(number=2).update(author_name="Ana")

    moved = drafts.base_moved(drafts.own(author, view))

    assert moved.by == "Ana"
    assert moved.url.endswith("?from=1&to=2")


def test_a_newer_revision_is_told_with_its_editor(author, proposed):
    change = proposed()
    drafts.save(author, change, query="SELECT 2 AS two", revision=1)
    services.revise(change, author, "SELECT 3 AS three", 1)

    assert drafts.base_moved(drafts.own(author, change)).by == author.display_name


def test_others_learn_who_is_editing_and_since_when_and_nothing_else(author, colleague, view, client_of, proposed):
    change = proposed()
    drafts.save(author, view, query="SELECT 'my secret'", reason="my reason")
    aged(drafts.save(author, change, query="SELECT 'another secret'"), timedelta(hours=3))

    (editor,) = drafts.others_editing(view, besides=colleague)
    assert (editor.person, editor.is_editing) == (author, True)
    assert drafts.others_editing(view, besides=author) == []
    pages = [
        reverse(name, args=[view.posthog_id])
        for name in ("changes:propose", "changes:view-editors", "mirror:view-detail")
    ]
    pages += [reverse("changes:list") + f"?tab={tab}" for tab in ("mine", "open", "all")]
    for url in pages:
        page = shown(client_of(colleague).get(url))
        assert "secret" not in page and "my reason" not in page, url
        assert ("is editing this view too" in page) == (url in pages[:2]), url


def test_a_draft_left_for_hours_is_called_unfinished(author, colleague, view, client_of, edit_url):
    aged(drafts.save(author, view, query=HALF), timedelta(hours=3))

    assert "has an unfinished draft of this view" in shown(client_of(colleague).get(edit_url))


def test_those_who_may_not_edit_are_not_told_who_does(viewer, view, client_of):
    answer = client_of(viewer).get(reverse("changes:view-editors", args=[view.posthog_id]))

    assert answer.status_code == 403


def test_drafts_untouched_for_ninety_days_go(author, view, connection):
    aged(drafts.save(author, view, query=HALF), timedelta(days=91))
    aged(drafts.save(author, connection, query=HALF), timedelta(days=89))

    remove_old_drafts()

    assert [draft.connection for draft in Draft.objects.all()] == [connection]
