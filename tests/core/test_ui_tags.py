"""The tags and filters of the design system: what they show, and that remote text stays text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.paginator import Paginator
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory

from warehouse_admin.core.formatting import cadence, duration, initials, thousands, truncate_middle
from warehouse_admin.core.states import LOOKS, look_of
from warehouse_admin.core.styleguide import icon_names

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
NASTY = "<script>alert('x')</script>"


def render(tag, path="/", **context):
    return Template(tag).render(Context({"request": RequestFactory().get(path), **context}))


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=-42), "42 s ago"),
        (timedelta(minutes=-3), "3 min ago"),
        (timedelta(hours=-7), "7 h ago"),
        (timedelta(days=-2), "2 d ago"),
        (timedelta(minutes=5, seconds=1), "in 5 min"),
        (timedelta(days=-100), "15 Aug 2026"),
    ],
)
def test_a_moment_is_relative_with_its_exact_time_as_title(moved, words):
    with time_machine.travel(NOW, tick=False):
        html = render("{% ago value %}", value=NOW + moved)

    assert f">{words}</time>" in html
    assert f'title="{(NOW + moved):%Y-%m-%d %H:%M:%S} UTC"' in html


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("6hour", "every 6 h"),
        ("24hour", "every 24 h"),
        ("1hour", "every hour"),
        ("5min", "every 5 min"),
        ("30day", "every 30 d"),
        ("fortnightly", "fortnightly"),
        ("6hours", "6hours"),
        ("", ""),
    ],
)
def test_a_cadence_is_said_in_words_and_an_unknown_one_shows_itself(said, words):
    assert cadence(said) == words
    assert render("{{ value|cadence }}", value=said) == words


def test_a_schedule_without_a_cadence_has_none():
    assert render('{{ value|cadence|default:"none" }}', value=None) == "none"


def test_no_moment_is_never_and_text_that_is_no_time_shows_as_itself():
    assert "never" in render("{% ago value %}", value=None)
    assert "not yet" in render('{% ago value none="not yet" %}', value=None)
    assert render("{% ago value %}", value="soon <b>") == "soon &lt;b&gt;"
    assert "<time" in render("{% ago value %}", value="2026-11-23T10:00:00Z")


def test_a_state_has_an_icon_a_word_and_a_colour():
    html = render('{% state_pill "schedule" "suspended" title="5 failures" %}')

    assert "tone-bad" in html and "#x-circle" in html and "Suspended" in html and 'title="5 failures"' in html


def test_an_unknown_state_shows_itself_and_never_looks_healthy():
    html = render('{% state_pill "run" value %}', value=NASTY)

    assert "tone-neutral" in html and "tone-ok" not in html
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_no_state_is_unknown():
    assert look_of("schedule", None).word == look_of("schedule", "").word == "Unknown"


def test_remote_words_are_known_in_their_own_spelling():
    assert look_of("run", "Completed").tone == "ok"
    assert look_of("schedule_state", "never_ran").word == "Never ran"


def test_every_state_uses_an_icon_that_exists():
    used = {look.icon for looks in LOOKS.values() for look in looks.values()}

    assert used <= set(icon_names())


def test_a_query_string_keeps_filters_and_returns_to_the_first_page():
    html = render('{% query_string sort="-name" kind=None %}', "/?q=a%26b&kind=view&page=4")

    assert html == "?q=a%26b&amp;sort=-name"


def test_turning_the_page_keeps_everything_else():
    assert render("{% query_string page=3 %}", "/?q=x&page=2") == "?q=x&amp;page=3"


def test_a_heading_turns_its_order_around_and_says_which_one_is_in_force():
    fresh = render('{% sort_header "name" "View" %}', "/?q=x")
    rising = render('{% sort_header "name" "View" %}', "/?sort=name")
    by_default = render('{% sort_header "name" "View" default="-name" %}', "/")

    assert 'href="?q=x&amp;sort=name"' in fresh and "aria-sort" not in fresh
    assert 'href="?sort=-name"' in rising and 'aria-sort="ascending"' in rising
    assert 'aria-sort="descending"' in by_default


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.32, "320 ms"),
        (4.25, "4.2 s"),
        (59, "59 s"),
        (80, "1 m 20 s"),
        (3600, "1 h"),
        (11_100, "3 h 5 m"),
        (None, "–"),
    ],
)
def test_durations_are_readable(value, words):
    assert duration(value) == words


def test_a_timedelta_is_a_duration_and_text_is_none():
    assert duration(timedelta(days=2, hours=4)) == "2 d 4 h"
    assert duration("soon") == "–"


def test_numbers_have_separators_and_missing_ones_a_dash():
    assert (thousands(1284402), thousands(None), thousands("many")) == ("1,284,402", "–", "many")


def test_long_text_keeps_both_ends():
    assert truncate_middle("01937f3a-9d0e-7c51", 9) == "0193…7c51"
    assert truncate_middle("short", 9) == "short"


@pytest.mark.parametrize(
    ("name", "letters"), [("Ada Lovelace", "AL"), ("olga.petrova@x.io", "OP"), ("vic", "V"), ("", "?")]
)
def test_initials(name, letters):
    assert initials(name) == letters


def test_the_address_of_a_row_is_the_one_that_url_gives():
    both = Template("{% row_url name key %} {% url name key %} {% row_url name key as address %}{{ address }}")
    for name, key in (("changes:detail", 7), ("changes:detail", 70_000), ("mirror:view-detail", uuid4())):
        quick, whole, kept = both.render(Context({"name": name, "key": key})).split()
        assert quick == whole == kept
    with pytest.raises(TypeError, match="use the url tag"):
        both.render(Context({"name": "changes:detail", "key": "7"}))


def test_runs_are_bars_with_a_sentence_for_those_who_cannot_see_them():
    runs = [
        {"status": "Completed", "started_at": NOW, "finished_at": NOW + timedelta(seconds=60)},
        {"status": "Failed", "started_at": NOW, "duration": 30},
        {"status": NASTY, "started_at": None, "duration": None},
    ]

    html = render_to_string("partials/_sparkruns.html", {"runs": runs})

    assert html.count("spark-bar") == 3
    assert "1 completed, 1 failed" in html
    assert "Failed · 2026-11-23 12:00:00 UTC · 30 s" in html
    assert "<script>" not in html and "style=" not in html


def test_runs_none_at_all():
    assert "no runs" in render_to_string("partials/_sparkruns.html", {"runs": []})


def test_paging_keeps_the_filter_and_counts():
    page = Paginator(range(120), 50).page(2)
    html = render_to_string(
        "partials/_pagination.html", {"page": page, "noun": "views", "request": RequestFactory().get("/?q=rev&page=2")}
    )

    assert "51–100 of 120 views" in html
    assert 'href="?q=rev&amp;page=3" hx-get="?q=rev&amp;page=3"' in html
    assert 'href="?q=rev&amp;page=1"' in html


def test_sql_keywords_are_told_from_columns_and_functions():
    html = render("{% sql_code text %}", text="select day, toDate(t.timestamp) from left_table left join x limit 5")

    assert '<span class="k">left</span>' in html
    assert '<span class="k">day</span>' not in html
    assert '<span class="nf">toDate</span>' in html
    assert '<span class="k">timestamp</span>' not in html


def test_long_sql_can_be_cut_and_says_how_much_is_left():
    html = render("{% sql_code text limit=2 %}", text="a\nb\nc\nd")

    assert html.count('class="code-line"') == 2
    assert "2 more lines" in html


@pytest.mark.parametrize("template", ["400.html", "404.html", "500.html", "403_csrf.html"])
def test_an_error_page_stands_without_a_request(template):
    html = render_to_string(template)

    assert "<h1>" in html and "css/tokens.css" in html and "style=" not in html


def test_the_expired_form_page_says_the_text_is_kept():
    assert "Your text is kept" in render_to_string("403_csrf.html")


def test_a_refusal_says_why_and_stays_text():
    html = render_to_string("403.html", {"exception": NASTY})

    assert "&lt;script&gt;" in html and "<script>alert" not in html
