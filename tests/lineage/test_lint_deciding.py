"""What rules weigh, and which views are exempt: who may say so, what is kept of it, and how long it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.lineage.lint import services
from warehouse_admin.lineage.lint.models import LintExemption, LintLevel
from warehouse_admin.lineage.lint.report import Report, look
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db

STAR = "SELECT * FROM a"


@pytest.fixture
def one(db: None) -> Connection:
    return Connection.objects.create(slug="one", name="One", host="http://127.0.0.1:9", project_id="1")


@pytest.fixture
def view(one: Connection) -> SavedQuery:
    return make_view(one, "v", STAR)


def today(days: int = 0):
    return timezone.now().date() + timedelta(days=days)


def weights(report: Report) -> list[str]:
    return [finding.weight for finding in report.findings]


def entry(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


def test_an_administrator_lets_a_rule_weigh_something_else_in_one_project(one, view, admin):
    other = Connection.objects.create(slug="two", name="Two", host="http://127.0.0.1:8", project_id="2")

    services.set_level(actor=admin, connection=one, rule="select-star", level="error", reason="it broke us twice")

    assert (weights(look(one, STAR)), weights(look(other, STAR))) == (["error"], ["warning"])
    kept = entry("lint.level_set")
    assert (kept.before["level"], kept.after["level"], kept.reason) == ("warning", "error", "it broke us twice")
    services.set_level(actor=admin, connection=one, rule="select-star", level="off", reason="too loud")
    report = look(one, STAR)
    assert (report.findings, [rule.id for rule in report.off]) == ([], ["select-star"])
    services.set_level(actor=admin, connection=one, rule="select-star", level="warning", reason="as it was")
    assert not LintLevel.objects.exists()


@pytest.mark.parametrize(
    ("rule", "level", "reason", "field"),
    [
        ("select-star", "loud", "why", "level"),
        ("select-star", "warning", "why", "level"),
        ("select-star", "error", " ", "reason"),
        ("preview-without-limit", "error", "why", "level"),
    ],
)
def test_a_level_that_makes_no_sense_is_refused(rule, level, reason, field, one, admin):
    with pytest.raises(InvalidInput) as refused:
        services.set_level(actor=admin, connection=one, rule=rule, level=level, reason=reason)

    assert list(refused.value.errors) == [field]
    assert not AuditEntry.objects.filter(action="lint.level_set").exists()


def test_only_administrators_weigh(one, reviewer):
    with pytest.raises(NotPermitted):
        services.set_level(actor=reviewer, connection=one, rule="select-star", level="off", reason="r")


def test_a_reviewer_exempts_a_view_until_a_day(view, reviewer, time_machine):
    granted = services.exempt(actor=reviewer, rule="select-star", view=view, reason="a copy", until=today(3))

    [finding] = look(view.connection, STAR, view=view).findings
    assert (finding.weight, finding.exemption, finding.blocks) == ("exempt", granted, False)
    kept = entry("lint.exempted")
    assert (kept.before, kept.after["rule"], kept.after["until"]) == (None, "select-star", today(3).isoformat())
    assert (kept.object_id, kept.reason) == (str(view.posthog_id), "a copy")
    time_machine.move_to(timezone.now() + timedelta(days=3))
    assert weights(look(view.connection, STAR, view=view)) == ["exempt"]
    time_machine.move_to(timezone.now() + timedelta(days=1))
    assert weights(look(view.connection, STAR, view=view)) == ["warning"]


def test_it_is_of_one_view_and_one_rule_and_goes_with_the_view_when_that_is_renamed(one, view, reviewer):
    services.exempt(actor=reviewer, rule="select-star", view=view, reason="a copy")
    SavedQuery.objects.filter(pk=view.pk).update(name="renamed")
    view.refresh_from_db()
    other = make_view(one, "v", STAR)

    assert weights(look(one, f"{STAR} LIMIT 5", view=view)) == ["warning", "exempt"]
    assert weights(look(one, STAR, view=other)) == ["warning"]


def test_a_newer_exemption_takes_the_place_of_the_former(view, reviewer, admin):
    first = services.exempt(actor=reviewer, rule="select-star", view=view, reason="a copy")
    second = services.exempt(actor=admin, rule="select-star", view=view, reason="for good")

    assert look(view.connection, STAR, view=view).findings[0].exemption == second
    first.refresh_from_db()
    assert (first.state, first.revoked_by) == ("revoked", admin)
    assert AuditEntry.objects.filter(action="lint.exempted").latest("sequence").before["reason"] == "a copy"


def test_it_can_be_taken_back_once_with_a_reason(view, reviewer):
    granted = services.exempt(actor=reviewer, rule="select-star", view=view, reason="a copy")
    with pytest.raises(InvalidInput):
        services.revoke(actor=reviewer, exemption=granted, reason="")

    services.revoke(actor=reviewer, exemption=granted, reason="the copy is gone")

    assert weights(look(view.connection, STAR, view=view)) == ["warning"]
    kept = entry("lint.exemption_revoked")
    assert (kept.before["reason"], kept.after, kept.reason) == ("a copy", None, "the copy is gone")
    with pytest.raises(UserError, match="already"):
        services.revoke(actor=reviewer, exemption=granted, reason="again")


def test_nobody_is_exempt_by_their_own_word(view, reviewer, author):
    services.exempt(actor=reviewer, rule="select-star", view=view, reason="a copy")

    [own] = look(view.connection, STAR, view=view, writers=[reviewer.pk]).findings
    [other] = look(view.connection, STAR, view=view, writers=[author.pk]).findings
    assert (own.own, own.weight, other.weight) == (True, "warning", "exempt")


@pytest.mark.parametrize("who", ["author", "operator", "auditor", "viewer"])
def test_others_may_not_exempt(who, view, request):
    with pytest.raises(NotPermitted):
        services.exempt(actor=request.getfixturevalue(who), rule="select-star", view=view, reason="r")

    assert not LintExemption.objects.exists()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"reason": "\u200b "}, "reason"),
        ({"reason": "x" * 2_001}, "reason"),
        ({"until": -1}, "until"),
        ({"until": 9_999}, "until"),
        ({"rule": "preview-without-limit"}, "rule"),
        ({"view": None}, "saved_query"),
    ],
)
def test_an_exemption_that_makes_no_sense_is_refused(more, field, view, reviewer):
    values = {"rule": "select-star", "view": view, "reason": "r", **more}
    if "until" in more:
        values["until"] = today(more["until"])
    with pytest.raises(InvalidInput) as refused:
        services.exempt(actor=reviewer, **values)

    assert list(refused.value.errors) == [field]
    assert not LintExemption.objects.exists()


def test_what_was_granted_to_a_name_follows_the_view_that_gets_it(one, reviewer):
    services.exempt(actor=reviewer, rule="select-star", connection=one, name="to_be", reason="a copy")
    assert weights(look(one, STAR, name="to_be")) == ["exempt"]
    assert weights(look(one, STAR, name="other")) == ["warning"]
    made = make_view(one, "to_be", STAR)
    assert weights(look(one, STAR, view=made)) == ["warning"]

    services.follow(view=made, name="to_be")

    assert weights(look(one, STAR, view=made)) == ["exempt"]
    assert weights(look(one, STAR, name="to_be")) == ["warning"]
    assert entry("lint.exemption_followed").after["saved_query"] == str(made.posthog_id)


# --- pages


def test_every_rule_is_listed_and_has_a_page(one, viewer, client_of, django_assert_max_num_queries):
    reader = client_of(viewer)
    listed = reader.get(reverse("lint:rules")).content.decode()
    for name in ("select-star", "unhealthy-source", "preview-without-limit"):
        assert f'href="/lint/{name}/"' in listed
        page = reader.get(f"/lint/{name}/").content.decode()
        assert "But so" in page and 'name="level"' not in page
    assert "Of trust other rules speak" in reader.get("/lint/unhealthy-source/").content.decode()
    assert reader.get("/lint/nonsense/").status_code == 404
    with django_assert_max_num_queries(12):
        reader.get("/lint/select-star/")


def test_the_level_is_set_on_the_page_of_the_rule(one, admin, client_of):
    typed = {"connection": "one", "level": "note", "reason": ""}
    boss = client_of(admin)
    refused = boss.post("/lint/select-star/level/", typed)
    assert (refused.status_code, "Say why" in refused.content.decode()) == (422, True)

    page = boss.post("/lint/select-star/level/", {**typed, "reason": "our way"}, follow=True).content.decode()

    assert LintLevel.objects.get().level == "note"
    assert "our way" in page


def test_a_view_is_exempted_on_a_page_and_the_exemption_taken_back_there(view, reviewer, author, client_of):
    card = reverse("lint:of-view", args=[view.posthog_id])
    address = f"/lint/select-star/exempt/?connection=one&view={view.posthog_id}"
    asking = client_of(author).get(address).content.decode()
    assert "Reviewers and administrators may grant it" in asking and "<textarea" not in asking
    assert client_of(author).post(address, {"reason": "r"}).status_code == 403
    judge = client_of(reviewer)
    assert address.replace("&", "&amp;") in judge.get(card).content.decode()
    refused = judge.post(address, {"reason": "a <b>copy</b>", "until": "1999-01-01"})
    assert (refused.status_code, "a &lt;b&gt;copy" in refused.content.decode()) == (422, True)

    judge.post(address, {"reason": "a <b>copy</b>", "until": ""})

    row = LintExemption.objects.get()
    for page in (card, "/lint/select-star/", address):
        assert "a &lt;b&gt;copy" in judge.get(page).content.decode(), page
    judge.post(reverse("lint:revoke", args=[row.pk]), {"reason": "no more"})
    row.refresh_from_db()
    assert row.state == "revoked"
    assert "no more" in judge.get("/lint/select-star/").content.decode()


def test_a_damaged_address_is_answered_in_words(view, reviewer, client_of):
    judge = client_of(reviewer)
    for query, status in (("view=nonsense", 400), ("connection=one&name=", 400), ("connection=none&name=x", 404)):
        assert judge.get(f"/lint/select-star/exempt/?{query}").status_code == status, query
    assert judge.get("/lint/exemptions/99999999999999999999/revoke/").status_code == 404


def test_the_page_of_a_view_shows_checks_and_the_text_formatted(view, viewer, client_of):
    reader = client_of(viewer)
    address = reverse("mirror:view-detail", args=[view.posthog_id])
    assert reverse("lint:of-view", args=[view.posthog_id]) in reader.get(address).content.decode()
    fragment = reader.get(reverse("lint:of-view", args=[view.posthog_id]), headers={"HX-Request": "true"})
    assert "select-star" in fragment.content.decode() and "<html" not in fragment.content.decode()
    SavedQuery.objects.filter(pk=view.pk).update(query="select a,b from t")

    page = reader.get(address, {"format": "1"}).content.decode()

    assert "Formatted to be looked at" in page and "SELECT" in page
    SavedQuery.objects.filter(pk=view.pk).update(query="select a,b from")
    page = reader.get(address, {"format": "1"}).content.decode()
    assert "syntax error on line 1" in page


def test_no_superuser_flag_helps(view, person):
    somebody = person("super")
    somebody.is_superuser = True
    somebody.save()
    with pytest.raises(NotPermitted):
        services.exempt(actor=somebody, rule="select-star", view=view, reason="r")
