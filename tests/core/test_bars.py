"""Stacked bars: what is drawn, what is said to those who cannot see it."""

from __future__ import annotations

from warehouse_admin.core.bars import HEIGHT, SERIES, WIDTH, stacked_bars

ORDER = ("page", "sync")
BUCKETS = {0: {"sync": 30}, 300: {}, 600: {"page": 10, "sync": 89, "odd": 1}}


def test_parts_of_a_bar_stand_on_each_other_and_the_highest_bar_fills_the_height() -> None:
    chart = stacked_bars(BUCKETS, ORDER, noun="requests")
    last = chart.segments[1:]

    assert chart.highest == 100 and round(sum(part.height for part in last)) >= HEIGHT
    assert last[0].y + last[0].height == HEIGHT and last[1].y + last[1].height == last[0].y
    assert max(part.x + part.width for part in chart.segments) <= WIDTH + 0.2
    assert chart.segments[0].height == HEIGHT * 0.3


def test_colours_are_fixed_by_name_and_strangers_share_the_last() -> None:
    chart = stacked_bars(BUCKETS, ORDER, noun="requests")

    assert [(entry.name, entry.series, entry.total) for entry in chart.legend] == [
        ("page", 1, 10),
        ("sync", 2, 119),
        ("odd", SERIES, 1),
    ]


def test_it_is_told_in_words_and_numbers() -> None:
    chart = stacked_bars(BUCKETS, ORDER, noun="requests")

    assert chart.summary == "130 requests: page 10, sync 119, odd 1"
    assert [all_ for _, _, all_ in chart.rows] == [30, 0, 100]
    assert chart.rows[2][1] == [("page", 10), ("sync", 89), ("odd", 1)]
    assert chart.segments[0].title.endswith("· sync 30")


def test_nothing_is_drawn_of_nothing() -> None:
    chart = stacked_bars({0: {}, 300: {}}, ORDER, noun="requests")

    assert (chart.segments, chart.total, chart.summary) == ([], 0, "0 requests")
