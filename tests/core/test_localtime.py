"""Local times become moments, or are refused with both readings where a clock change makes them unclear."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from warehouse_admin.core.localtime import UnclearTime, moment, with_offset, zones

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2027-07-01 10:00", BERLIN, "2027-07-01 08:00"),
        ("2027-01-01 10:00", BERLIN, "2027-01-01 09:00"),
        ("2027-10-31 03:00", BERLIN, "2027-10-31 02:00"),
        ("2027-03-28 03:00", BERLIN, "2027-03-28 01:00"),
        ("2027-03-28 02:30", "UTC", "2027-03-28 02:30"),
        ("2027-01-01 10:00", "Asia/Kathmandu", "2027-01-01 04:15"),
    ],
)
def test_a_clear_time_is_one_moment(local, zone, utc):
    at = moment(datetime.fromisoformat(local), zone)

    assert f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" == utc


def test_a_time_that_happens_twice_offers_both():
    with pytest.raises(UnclearTime, match="go back.*happens twice") as unclear:
        moment(datetime(2027, 10, 31, 2, 30), BERLIN)

    assert [with_offset(at) for at in unclear.value.readings] == [
        "2027-10-31 02:30 +02:00 (00:30 UTC)",
        "2027-10-31 02:30 +01:00 (01:30 UTC)",
    ]
    for words in map(with_offset, unclear.value.readings):
        assert words in str(unclear.value)


def test_a_time_that_never_happens_offers_the_ones_around_it():
    with pytest.raises(UnclearTime, match="go forward.*does not happen") as unclear:
        moment(datetime(2027, 3, 28, 2, 30), BERLIN)

    assert [with_offset(at) for at in unclear.value.readings] == [
        "2027-03-28 01:30 +01:00 (00:30 UTC)",
        "2027-03-28 03:30 +02:00 (01:30 UTC)",
    ]


def test_the_day_of_utc_is_told_where_it_is_another():
    at = datetime(2027, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    assert with_offset(at) == "2027-01-01 01:00 +02:00 (2026-12-31 23:00 UTC)"


def test_utc_comes_first_and_places_follow():
    assert zones()[0] == "UTC"
    assert BERLIN in zones() and "Etc/GMT+5" not in zones()
