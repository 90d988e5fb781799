"""Dates as outlets write them."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.parsing.dates import parse_date

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        pytest.param("Mon, 04 May 2026 10:00:00 GMT", "2026-05-04T10:00:00", id="RFC 822"),
        pytest.param("Mon, 4 May 2026 10:00:00 +0200", "2026-05-04T08:00:00", id="RFC 822 offset"),
        pytest.param("Mon, 04 May 2026 10:00:60 GMT", "2026-05-04T10:00:59", id="leap second"),
        pytest.param("Mon, 04 May 2026 24:00:00 GMT", "2026-05-05T00:00:00", id="midnight at the end of a day"),
        pytest.param("Mon, 04 May 2026 10:00:00 +0075", "2026-05-04T08:45:00", id="offset of 75 minutes"),
        pytest.param("Mon, 04 May 26 10:00 EDT", "2026-05-04T14:00:00", id="RFC 822 short year and zone name"),
        pytest.param("Mon, 04 May 2026 10:00:00 BST", "2026-05-04T09:00:00", id="British Summer Time"),
        pytest.param("Mon, 04 May 2026 10:00:00 PDT", "2026-05-04T17:00:00", id="Pacific"),
        pytest.param("Mon, 04 May 2026 10:00:00", "2026-05-04T10:00:00", id="no zone"),
        pytest.param("2026-05-04T10:00:00Z", "2026-05-04T10:00:00", id="RFC 3339"),
        pytest.param("2026-05-04T10:00:00.123+05:30", "2026-05-04T04:30:00", id="fraction and offset"),
        pytest.param("2026-05-04T10:00:00-0700", "2026-05-04T17:00:00", id="offset without colon"),
        pytest.param("vendredi 1er mai 2026", "2026-05-01T00:00:00", id="French"),
        pytest.param("viernes, 1 de mayo de 2026", "2026-05-01T00:00:00", id="Spanish"),
        pytest.param("4. Mai 2026, 10:30 Uhr", "2026-05-04T10:30:00", id="German"),
        pytest.param("sexta-feira, 1 de maio de 2026", "2026-05-01T00:00:00", id="Portuguese"),
        pytest.param("2026年5月4日 18:00", "2026-05-04T18:00:00", id="Japanese"),
        pytest.param("2026.5.4", "2026-05-04T00:00:00", id="Korean"),
        pytest.param("2026-05-04T24:00:00Z", "2026-05-05T00:00:00", id="hour 24"),
        pytest.param("2026-05-04T10:00:60Z", "2026-05-04T10:00:59", id="leap second"),
        pytest.param("2026-05-04 10:00", "2026-05-04T10:00:00", id="blank instead of T"),
        pytest.param("2026-05-04", "2026-05-04T00:00:00", id="day"),
        pytest.param("2026-05", "2026-05-01T00:00:00", id="month"),
        pytest.param("20260504101112", "2026-05-04T10:11:12", id="digits"),
        pytest.param("Mon May  4 10:00:00 2026", "2026-05-04T10:00:00", id="asctime"),
        pytest.param("May 4, 2026 3:30 pm ET", "2026-05-04T20:30:00", id="American with zone"),
        pytest.param("May 4, 2026 at 12:05 a.m.", "2026-05-04T00:05:00", id="after midnight"),
        pytest.param("4th May 2026", "2026-05-04T00:00:00", id="ordinal"),
        pytest.param("04.05.2026 10:00", "2026-05-04T10:00:00", id="dots: day first"),
        pytest.param("05/04/2026", "2026-05-04T00:00:00", id="slashes: month first"),
        pytest.param("25/04/2026", "2026-04-25T00:00:00", id="slashes: no such month"),
        pytest.param("  2026-05-04\n", "2026-05-04T00:00:00", id="blanks"),
        pytest.param("2026-06-02T11:00:00Z", "2026-06-02T11:00:00", id="less than a day ahead"),
    ],
)
def test_a_readable_date_is_utc(text: str, utc: str) -> None:
    assert parse_date(text, now=NOW) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2026-13-01", "Mon, 31 Feb 2026 10:00:00 GMT", "0001-01-01T00:00:00Z", "1989-12-31", "0"),
        *("2026-06-02T13:00:00Z", "2999-01-01", "2026-05-04T25:00:00Z", "4 Floréal 2026", "9" * 5000, "+" * 90),
    ],
)
def test_an_unbelievable_date_is_none(text: str) -> None:
    assert parse_date(text, now=NOW) is None


@given(
    st.datetimes(datetime(1991, 1, 1), datetime(2026, 5, 1)),  # noqa: DTZ001 - the zone comes with the offset
    st.integers(-12 * 60, 14 * 60),
)
def test_dates_of_the_standards_are_read_to_the_second(at: datetime, minutes: int) -> None:
    moment = at.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    fraction = moment.isoformat().replace("+", ".25+") if minutes >= 0 else moment.isoformat()
    for text in (format_datetime(moment), moment.isoformat(), fraction):
        assert parse_date(text, now=NOW) == moment


@given(st.text(max_size=120) | st.text(alphabet="0123456789-/:+.TZ MondayBSTapm,", max_size=60))
def test_parse_date_never_raises_and_stays_believable(text: str) -> None:
    at = parse_date(text, now=NOW)
    assert at is None or (datetime(1990, 1, 1, tzinfo=UTC) <= at <= NOW + timedelta(days=1) and at.tzinfo is UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Sun Nov 22 2026 10:00:00 GMT-0500 (Eastern Standard Time)", "2026-11-22T15:00", id="a browser's"),
        pytest.param("Sun, 22 Nov 2026 10:00:00 GMT+1", "2026-11-22T09:00", id="GMT and hours"),
        pytest.param("Sun, 22 Nov 2026 10:00:00 UTC+02:00", "2026-11-22T08:00", id="UTC and hours"),
        pytest.param("Sun, 22 Nov 2026 10:00:00 +1:00", "2026-11-22T09:00", id="one digit of hours"),
        pytest.param("Sun, 22 Nov 2026 10:00:00 -0500 (EST)", "2026-11-22T15:00", id="zone said twice"),
        pytest.param("2026-11-22T10:00:00-0330", "2026-11-22T13:30", id="half an hour"),
        pytest.param("20261122T100000Z", "2026-11-22T10:00", id="basic ISO 8601"),
        pytest.param("2026/11/22 10:00:00 +0900", "2026-11-22T01:00", id="slashes, year first"),
        pytest.param("2026/1/3", "2026-01-03T00:00", id="slashes without zeros"),
        pytest.param("2026年11月22日(日) 10:30", "2026-11-22T10:30", id="Japanese with its day"),
        pytest.param("2026年11月22日 10時30分", "2026-11-22T10:30", id="Japanese clock"),
        pytest.param("2026년 11월 22일 10시 30분", "2026-11-22T10:30", id="Korean clock"),
    ],
)
def test_offsets_and_clocks_as_people_write_them(text: str, expected: str) -> None:
    at = parse_date(text, now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert at == datetime.fromisoformat(f"{expected}+00:00")
