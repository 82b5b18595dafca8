"""Descriptions and folders of views, from the proposal to PostHog, where servers have them and where not."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.changes.conftest import trail
from tests.syncing import sync
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, UserError
from warehouse_admin.mirror.models import Folder, Observation, SavedQuery
from warehouse_admin.mutations.models import Mutation

State = ChangeRequest.State
LEAF = "mart_refunds_disputes"


def leaf() -> SavedQuery:
    return SavedQuery.objects.present().get(name=LEAF)


def other_folder(view: SavedQuery) -> Folder:
    return Folder.objects.exclude(posthog_id=view.folder_id or "").order_by("name").first()


@pytest.mark.parametrize("name", ["C", "D"])
def test_a_description_is_set_and_rolled_back(name, generation, carried_out, sandbox):
    generation(name)
    view = leaf()
    former = view.description

    change = carried_out("set_description", saved_query=view, description="  Refunds & <b>disputes</b>,\r\nby day  ")

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.view(LEAF).description == "Refunds & <b>disputes</b>,\nby day"
    view.refresh_from_db()
    assert view.description == "Refunds & <b>disputes</b>,\nby day"
    assert trail("saved_query.set_d") == [
        ("saved_query.set_description", "asked"),
        ("saved_query.set_description", "ok"),
    ]
    inverse = services.inverse(change)
    assert (inverse.action, inverse.values) == ("set_description", {"description": former})
    sync(view.connection)
    assert not Observation.objects.filter(kind="described").exists(), "what we did is nobody else's"


@pytest.mark.parametrize("name", ["C", "D"])
def test_a_view_is_moved_to_a_folder_and_out_of_it(name, generation, carried_out, sandbox):
    generation(name)
    view = leaf()
    folder = other_folder(view)

    change = carried_out("move_to_folder", saved_query=view, folder_id=folder.posthog_id)

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.view(LEAF).folder_id == folder.posthog_id
    view.refresh_from_db()
    assert (view.folder_id, view.folder_name) == (folder.posthog_id, folder.name)

    change = carried_out("move_to_folder", saved_query=view, folder_id="")

    assert (change.state, change.problem) == (State.APPLIED, "")
    assert sandbox.world.view(LEAF).folder_id is None
    view.refresh_from_db()
    assert (view.folder_id, view.folder_name) == ("", "")
    assert services.inverse(change).values == {"folder_id": folder.posthog_id}


@pytest.mark.parametrize("name", ["A", "B"])
@pytest.mark.parametrize(
    "action, values, told",
    [
        ("set_description", {"description": "x"}, "keeps no descriptions of views"),
        ("move_to_folder", {"folder_id": ""}, "has no folders for views"),
    ],
)
def test_older_servers_refuse_both_before_anybody_reviews_it(name, action, values, told, generation, author, sandbox):
    generation(name)
    with pytest.raises(UserError, match=told):
        services.create(author=author, action=action, saved_query=leaf(), reason="x", submit=True, **values)
    assert not ChangeRequest.objects.exists()
    assert sandbox.world.writes() == 0


def test_a_server_that_was_put_back_to_an_older_one_is_sent_nothing(generation, author, approve, sandbox):
    generation("C")
    change = services.create(
        author=author, action="set_description", saved_query=leaf(), description="Of use.", reason="x", submit=True
    )
    sandbox.world.set_generation("B")

    approve(change)

    mutation = Mutation.objects.get(kind="set_description")
    assert (mutation.state, mutation.sent_at) == ("not_sent", None)
    assert "keeps no descriptions" in mutation.error
    assert sandbox.world.writes() == 0


def test_a_description_that_somebody_changed_since_is_not_overwritten(generation, author, approve, sandbox):
    generation("D")
    change = services.create(
        author=author, action="set_description", saved_query=leaf(), description="Mine.", reason="x", submit=True
    )
    sandbox.world.view(LEAF).description = "Theirs."

    assert approve(change).state == State.NEEDS_REBASE
    assert sandbox.world.view(LEAF).description == "Theirs."


@pytest.mark.parametrize(
    "action, values, field, told",
    [
        ("set_description", {"description": "x" * 10_001}, "description", "At most 10,000 characters"),
        ("set_description", {}, "description", "required"),
        ("move_to_folder", {"folder_id": "no-such-folder"}, "folder_id", "Choose one of its folders"),
    ],
)
def test_bad_input_is_told_by_field(action, values, field, told, generation, author):
    generation("D")
    with pytest.raises(InvalidInput) as refused:
        services.create(author=author, action=action, saved_query=leaf(), reason="x", **values)
    assert told in refused.value.errors[field][0]


def test_the_page_proposes_a_description_and_shows_what_is_sent(generation, author, client_of):
    generation("D")
    view, client = leaf(), client_of(author)
    address = reverse("changes:propose-action", args=[view.posthog_id, "set_description"])
    assert 'name="description"' in client.get(address).content.decode()

    preview = client.post(
        reverse("changes:preview-action", args=[view.posthog_id, "set_description"]), {"description": "A new one"}
    ).content.decode()
    assert "PATCH" in preview and "A new one" in preview

    answer = client.post(address, {"description": "A new one", "reason": "Clearer", "do": "propose", "nonce": "n1"})
    assert answer.status_code == 302
    change = ChangeRequest.objects.get()
    assert (change.action, change.state) == ("set_description", State.IN_REVIEW)
    assert "A new one" in client.get(answer["Location"]).content.decode()


def test_the_page_offers_the_folders_that_are_mirrored(generation, author, client_of):
    generation("C")
    page = client_of(author).get(reverse("changes:propose-action", args=[leaf().posthog_id, "move_to_folder"]))
    text = page.content.decode()
    for folder in Folder.objects.all():
        assert f'value="{folder.posthog_id}"' in text and folder.name in text


def test_what_somebody_else_changed_is_in_the_inbox_and_can_be_put_back(generation, sandbox, committed):
    from warehouse_admin.activity import reverting

    connection = generation("D")
    view = leaf()
    former, folder = view.description, other_folder(view)
    sandbox.world.view(LEAF).description = "Something else"
    sandbox.world.view(LEAF).folder_id = folder.posthog_id

    with committed():
        sync(connection)

    kinds = {row.kind: row for row in Observation.objects.filter(saved_query=view, is_history=False)}
    assert set(kinds) == {"described", "filed"}
    entry = ActivityEntry.objects.get(kind="described")
    assert reverting.plan(entry).values == {"description": former}
    assert reverting.plan(ActivityEntry.objects.get(kind="filed")).action == "move_to_folder"


def test_a_folder_that_is_renamed_has_moved_no_view_and_a_server_that_begins_to_tell_has_changed_nothing(
    generation, sandbox
):
    connection = generation("B")
    assert leaf().folder_id is None
    assert not Folder.objects.exists()
    sandbox.world.set_generation("C")
    from warehouse_admin.accounts import services as accounts

    accounts.check_connection(connection)
    sync(connection)
    folder = next(iter(sandbox.world.folders.values()))
    folder.name = "Another name"
    sync(connection)

    assert not Observation.objects.filter(kind__in=("described", "filed")).exists()
    assert Folder.objects.filter(name="Another name").exists()
    assert SavedQuery.objects.filter(folder_name="Another name").exists()


def test_the_list_is_filtered_by_folder_and_by_what_posthog_manages(generation, viewer, client_of):
    generation("C")
    client = client_of(viewer)
    inside = SavedQuery.objects.exclude(folder_name="").order_by("name").first()
    page = client.get(reverse("mirror:view-list"), {"folder": inside.folder_name})
    rows = [row.view for row in page.context["rows"]]
    assert rows and {row.folder_name for row in rows} == {inside.folder_name}
    page = client.get(reverse("mirror:view-list"), {"folder": "none", "size": "100"})
    assert {row.view.folder_name for row in page.context["rows"]} == {""}

    page = client.get(reverse("mirror:view-list"), {"kind": "managed"})
    kinds = {row.view.managed_viewset_kind for row in page.context["rows"]}
    assert page.content.decode().count('class="group-row"') == len(kinds) > 0
    assert "PostHog refuses every edit" in page.content.decode()
    found = client.get("/api/v1/saved-queries/", {"folder": inside.folder_name}).json()["results"]
    assert {row["folder_name"] for row in found} == {inside.folder_name}
    assert [row["name"] for row in client.get("/api/v1/folders/").json()["results"]] == sorted(
        Folder.objects.values_list("name", flat=True)
    )


def test_rest_proposes_both(generation, author, client_of):
    generation("D")
    view, client = leaf(), client_of(author)
    folder = other_folder(view)
    described = {"action": "set_description", "description": "By a script"}
    for body in (described, {"action": "move_to_folder", "folder_id": folder.posthog_id}):
        body |= {"saved_query": str(view.posthog_id), "reason": "Order", "submit": True}
        answer = client.post("/api/v1/changes/", body, content_type="application/json")
        assert answer.status_code == 201, answer.content
        shown = answer.json()
        assert shown["state"] == "in_review"
        field = "description" if "description" in body else "folder_id"
        assert shown["proposal"][field] == body[field]
        assert field in shown["base"]
