"""What is legal and deserves a second look: said when it is proposed and to its reviewers, and never a refusal."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.changes.pages import hidden, words
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import SavedQuery, SyncRun, WarehouseTable

LEAF = "mart_refunds_disputes"
QUOTED, CASE, UNKNOWN = "is a word of the query language", "differ in letter case alone", "the mirror does not know"


@pytest.fixture
def leaf(synced) -> SavedQuery:
    lineage.refresh(synced)
    return SavedQuery.objects.present().get(name=LEAF)


@pytest.fixture
def post(client_of, author):
    """Propose over REST."""

    def send(**body: object):
        whole = {"reason": "because", "submit": True, **body}
        return client_of(author).post("/api/v1/changes/", whole, content_type="application/json")

    return send


def rename_by_form(editor, view: SavedQuery, name: str):
    address = reverse("changes:propose-action", args=[view.posthog_id, "rename"])
    page = editor.get(address)
    body = {kept: hidden(page, kept) for kept in ("base", "nonce")} | {"reason": "because", "name": name}
    return words(editor.post(address + "preview/", {"name": name})), editor.post(address, body, follow=True)


def looked_at_twice(page, change: ChangeRequest, reader) -> str:
    """What the review page loads once it is there; also a page of its own, where no script runs."""
    address = reverse("changes:detail-cautions", args=[change.pk])
    assert f'hx-get="{address}"' in page.content.decode()
    fragment = reader.get(address, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode() and "<html" in reader.get(address).content.decode()
    return words(fragment)


# --- names


@pytest.mark.parametrize("name", ["select", "Order", "null", "reporting.from", "team_id"])
def test_a_name_that_is_a_word_of_the_language_is_warned_about_and_taken(name, leaf, client_of, author, post):
    preview, answer = rename_by_form(client_of(author), leaf, name)

    change = ChangeRequest.objects.get()
    assert (change.state, change.revisions.get().proposal) == ("in_review", {"name": name})
    assert f"{name} {QUOTED}" in preview
    assert f"{name} {QUOTED}" in words(answer)
    assert f"{name} {QUOTED}" in looked_at_twice(answer, change, client_of(author))
    made = post(action="create_view", name=name, query="SELECT 1 AS one").json()
    assert (made["state"], [QUOTED in one for one in made["cautions"]]) == ("in_review", [True])


@pytest.mark.parametrize("name", ["date", "orders", "Stg.orders_v2", "_x", "selected"])
def test_an_ordinary_name_is_not_warned_about(name, leaf, post):
    assert post(action="rename", saved_query=str(leaf.posthog_id), name=name).json()["cautions"] == []


@pytest.mark.parametrize(
    ("name", "other"),
    [("STG_APP_ORDERS", "a view stg_app_orders"), ("Events", "a table events of PostHog's own")],
)
def test_a_name_that_differs_in_letter_case_alone_is_warned_about(name, other, leaf, client_of, author, post):
    _, answer = rename_by_form(client_of(author), leaf, name)

    assert f"There is {other} already: the two names {CASE}" in words(answer)
    [told] = post(action="create_view", name=name, query="SELECT 1 AS one").json()["cautions"]
    assert f"There is {other} already" in told


def test_a_table_of_a_source_counts_too_and_ones_own_former_name_does_not(leaf, post):
    table = WarehouseTable.objects.present().exclude(name__in=SavedQuery.objects.values("name")).first()

    [told] = post(action="create_view", name=table.name.upper(), query="SELECT 1 AS one").json()["cautions"]
    own = post(action="rename", saved_query=str(leaf.posthog_id), name=LEAF.upper()).json()

    assert f"There is a warehouse table {table.name} already" in told
    assert own["cautions"] == []


@pytest.mark.parametrize(
    "name", ["1st", "with space", "dash-ed", "", "x" * 129, "events", "stg_app_orders", "ümlaut", "a;b"]
)
def test_a_name_that_posthog_refuses_is_refused_in_both_places(name, leaf, client_of, author, post):
    editor = client_of(author)

    refused = post(action="rename", saved_query=str(leaf.posthog_id), name=name)
    _, form = rename_by_form(editor, leaf, name)

    assert refused.status_code == 400 and refused.json()["errors"]["name"]
    assert form.status_code == 422
    assert refused.json()["errors"]["name"][0] in words(form)
    assert post(action="create_view", name=name, query="SELECT 1 AS one").status_code == 400
    assert not ChangeRequest.objects.exists()


# --- sources


def test_a_query_that_reads_an_unknown_table_is_warned_about_and_taken(leaf, client_of, author, reviewer, post):
    sql = "SELECT 1 AS one FROM stg_app_orderz JOIN events ON 1 = 1 JOIN stg_app_orders ON 1 = 1"
    editor, address = client_of(author), reverse("changes:propose", args=[leaf.posthog_id])
    page = editor.get(address)
    body = {kept: hidden(page, kept) for kept in ("base", "nonce")} | {"reason": "because", "query": sql}

    answer = editor.post(address, body, follow=True)

    change = ChangeRequest.objects.get()
    told = f"The query reads stg_app_orderz, which {UNKNOWN} as a view, a table or one of PostHog's own. The mirror may"
    assert change.state == "in_review"
    assert told in words(answer)
    assert told in looked_at_twice(answer, change, client_of(reviewer))
    made = post(action="create_view", name="kpi_new", query="SELECT 1 AS one FROM a_gone, b_gone").json()
    assert made["state"] == "in_review" and "reads a_gone, b_gone, which" in made["cautions"][0]
    assert AuditEntry.objects.filter(action="change.submitted").count() == 2


def test_the_editor_marks_an_unknown_table_at_its_place_as_a_warning(leaf, client_of, author):
    sql = "SELECT 1 AS one\nFROM stg_app_orderz"
    address = reverse("changes:validate")

    [found] = client_of(author).post(f"{address}?connection=demo", {"query": sql}).json()["errors"]

    assert (found["line"], found["column"], found["level"]) == (2, 6, "warning")
    assert "stg_app_orderz" in found["message"]
    assert (
        f"{address}?connection=demo"
        in client_of(author).get(reverse("changes:propose", args=[leaf.posthog_id])).content.decode()
    )
    new_view = client_of(author).post(address, {"query": sql, "connection": "demo"}).json()["errors"]
    assert [one["message"] for one in new_view] == [found["message"]]
    assert client_of(author).post(address, {"query": sql}).json()["errors"] == []


@pytest.mark.parametrize(
    "sql",
    [
        "WITH own AS (SELECT 1 AS one) SELECT one FROM own",
        "SELECT 1 AS one FROM numbers(10)",
        "SELECT 1 AS one FROM events, persons, stg_app_orders",
        "SELECT 1 AS one FROM system.cohorts",
    ],
)
def test_known_names_are_not_warned_about(sql, leaf, post):
    assert post(action="edit_query", saved_query=str(leaf.posthog_id), query=sql).json()["cautions"] == []


def test_a_table_of_a_source_is_known_by_its_parts_too(leaf, post, synced):
    WarehouseTable.objects.create(
        connection=synced, posthog_id="0190c2f4-0000-7000-8000-00000000a001", name="eustripe_charges"
    )
    sql = "SELECT 1 AS one FROM stripe.eu.charges"

    assert post(action="edit_query", saved_query=str(leaf.posthog_id), query=sql).json()["cautions"] == []


@pytest.mark.parametrize("why", ["never read", "refused"])
def test_nothing_is_said_of_sources_where_the_tables_were_not_read(why, leaf, post, synced):
    if why == "never read":
        SyncRun.objects.update(cursor={})
    else:
        Connection.objects.update(capabilities={"tables": {"state": "no", "reason": "scope", "cause": "scope"}})

    made = post(action="create_view", name="kpi_new", query="SELECT 1 AS one FROM stg_app_orderz").json()

    assert (made["state"], made["cautions"]) == ("in_review", [])


def test_a_list_parses_nothing_and_a_closed_change_needs_no_second_look(leaf, post, client_of, author):
    number = post(action="create_view", name="select", query="SELECT 1 AS one").json()["number"]
    client = client_of(author)

    [row] = client.get("/api/v1/changes/").json()["results"]
    assert row["cautions"] is None
    assert client.post(f"/api/v1/changes/{number}/withdraw/", {}, "application/json").json()["cautions"] == []


# --- what is not seen


def test_characters_that_nobody_sees_are_named(leaf, post, client_of, reviewer):
    told = post(
        action="edit_query", saved_query=str(leaf.posthog_id), query=f"{leaf.query} -- \u202egnihton\u200b"
    ).json()

    assert [text for text in told["cautions"] if "not seen" in text] == [
        "It brings in characters that are not seen, or turn the writing around: ⟨U+200B⟩, ⟨U+202E⟩."
    ]
    change = ChangeRequest.objects.get()
    reader = client_of(reviewer)
    assert "⟨U+202E⟩" in looked_at_twice(reader.get(f"/changes/{change.pk}/"), change, reader)


def test_an_edit_of_the_ends_of_lines_alone_says_so(leaf, post):
    query = leaf.query.replace("\n", "\r\n")
    assert query != leaf.query

    told = post(action="edit_query", saved_query=str(leaf.posthog_id), query=query).json()

    assert "Nothing but the ends of lines differs from what PostHog holds." in told["cautions"]


def test_the_editor_says_that_a_view_would_read_itself_before_it_is_sent(leaf, client_of, author):
    address = f"{reverse('changes:validate')}?connection=demo&view={leaf.posthog_id}"

    [found] = client_of(author).post(address, {"query": f"SELECT a FROM {leaf.name}"}).json()["errors"]

    assert found["level"] == "error"
    assert found["message"].startswith(f"With this SQL {leaf.name} reads itself, which PostHog refuses.")
    new = {"query": "SELECT a FROM brand_new", "connection": "demo", "name": "brand_new"}
    [found] = client_of(author).post(reverse("changes:validate"), new).json()["errors"]
    assert found["message"].startswith("With this SQL brand_new reads itself")


def test_the_editor_marks_a_column_that_its_source_does_not_have(leaf, client_of, author):
    SavedQuery.objects.filter(pk=leaf.pk).update(columns=[{"name": "id", "type": "integer"}])
    sql = f"SELECT l.id AS id,\n  l.idd AS other,\n  e.any_thing AS more FROM {leaf.name} AS l CROSS JOIN events AS e"

    answer = client_of(author).post(f"{reverse('changes:validate')}?connection=demo", {"query": sql}).json()

    [found] = [one for one in answer["errors"] if "column" in one["message"]]
    assert (found["line"], found["column"], found["level"]) == (2, 3, "warning")
    assert found["message"] == "What is read here has no column l.idd, as far as the mirror knows."
