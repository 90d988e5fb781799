"""Bytes into text as browsers read them, for feeds and pages in the charsets publishers use and misname."""

from datetime import UTC, datetime

import pytest

from core.parsing.feeds import parse_feed
from core.parsing.pages import parse_listing, parse_page
from core.parsing.xml import decode_text
from core.values import Selectors

NOW = datetime(2026, 11, 23, tzinfo=UTC)
URL = "https://pier.example/feed"


def feed(codec: str, title: str, *, declared: str, odd: bytes = b"") -> bytes:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    start = f'{head}<rss version="2.0"><channel><title>Pier</title><item><title>{title}</title><guid>1</guid></item>'
    second = f"<item><title>{title}".encode(codec) + odd + " end</title><guid>2</guid></item>".encode(codec)
    return start.encode(codec) + second + "</channel></rss>".encode(codec)


def titles(body: bytes, content_type: str = "application/rss+xml") -> list[str]:
    return [entry.title for entry in parse_feed(body, url=URL, content_type=content_type, now=NOW).entries]


@pytest.mark.parametrize(
    ("declared", "codec", "title"),
    [
        pytest.param("Shift_JIS", "cp932", "髙橋監督①の新作㈱", id="Shift_JIS as Windows writes it"),
        pytest.param("x-sjis", "cp932", "監督の新作", id="x-sjis"),
        pytest.param("Windows-31J", "cp932", "髙橋監督の新作", id="Windows-31J"),
        pytest.param("EUC-JP", "euc_jp", "監督の新作", id="EUC-JP"),
        pytest.param("EUC-JP", "euc_jis_2004", "①監督の新作", id="EUC-JP with circled numbers"),
        pytest.param("EUC-KR", "cp949", "똠방각하 펲시 영화", id="EUC-KR as Windows writes it"),
        pytest.param("ks_c_5601-1987", "cp949", "똠방각하 영화", id="KS C 5601"),
        pytest.param("Big5", "big5hkscs", "電影㗎啲", id="Big5 of Hong Kong"),
        pytest.param("Big5", "cp950", "電影導演碁銹", id="Big5 as Windows writes it"),
        pytest.param("gb2312", "gbk", "电影导演镕", id="GB2312 is GBK"),
        pytest.param("GB18030", "gb18030", "电影𠀀导演", id="GB18030"),
        pytest.param("windows-874", "cp874", "ภาพยนตร์ “ใหม่”", id="Thai"),
        pytest.param("tis-620", "cp874", "ภาพยนตร์ “ใหม่”", id="Thai by another name"),
        pytest.param("iso-8859-8-i", "iso8859_8", "סרט חדש", id="Hebrew in logical order"),
        pytest.param("x-mac-roman", "mac_roman", "“Zoë” wraps", id="old Macintosh"),
        pytest.param("iso-8859-1", "cp1252", "“Zoë” – €", id="Latin-1 is Windows-1252"),
        pytest.param("iso-8859-9", "cp1254", "İstanbul’da “film”", id="Turkish"),
        pytest.param("x-cp1251", "cp1251", "Новый фильм", id="Cyrillic"),
        pytest.param("utf-8", "utf-16-le", "Zoë wraps", id="UTF-16 without a mark"),
        pytest.param("utf-16", "utf-8", "Zoë wraps", id="UTF-16 by its word alone"),
        pytest.param("utf-16", "ascii", "Zoe wraps", id="UTF-16 by its word alone, in ASCII"),
    ],
)
def test_a_charset_means_what_it_means_on_the_web(declared: str, codec: str, title: str) -> None:
    assert titles(feed(codec, title, declared=declared)) == [title, f"{title} end"]
    assert titles(feed(codec, title, declared=""), f"text/xml; charset={declared}")[0] == title


@pytest.mark.parametrize(
    ("declared", "codec", "title", "odd"),
    [
        pytest.param("EUC-KR", "euc_kr", "감독이 새로운 영화를 만든다", b"\xff", id="Korean"),
        pytest.param("Shift_JIS", "cp932", "監督の新作映画が公開される", b"\xff", id="Japanese"),
        pytest.param("gb2312", "gbk", "电影导演拍摄新片", b"\xff", id="Chinese"),
        pytest.param("windows-1251", "cp1251", "Режиссёр снимает новый фильм", b"\x98", id="Russian"),
        pytest.param("utf-8", "utf-8", "Zoë wraps “The Pier”", b"\xe2\x80", id="UTF-8"),
        pytest.param("iso-8859-7", "utf-8", "Zoë wraps “The Pier”", b"\xe2\x80", id="UTF-8 called Greek"),
    ],
)
def test_one_odd_byte_costs_no_more_than_its_place(declared: str, codec: str, title: str, odd: bytes) -> None:
    first, second = titles(feed(codec, title, declared=declared, odd=odd))
    assert first == title
    assert second.startswith(title)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_that_breaks_off_is_still_read(codec: str) -> None:
    body = f"\ufeff{feed('utf-8', 'Zoë', declared='utf-16').decode()}".encode(codec) + b"\n"
    assert decode_text(body).startswith("<?xml")
    assert titles(body) == ["Zoë", "Zoë end"]


PAGE = "<html><head><title>{0}</title></head><body><div class='item'><a href='/1'>{0}</a></div><p>{0}</p></body></html>"


@pytest.mark.parametrize(
    ("charset", "codec", "title"),
    [("windows-1251", "cp1251", "Режиссёр снимает новый фильм"), ("EUC-KR", "cp949", "똠방각하 영화 촬영")],
)
def test_a_page_may_say_its_charset_in_the_header_alone(charset: str, codec: str, title: str) -> None:
    body, kind = PAGE.format(title).encode(codec), f"text/html; charset={charset}"
    assert parse_page(body, url=URL, now=NOW, content_type=kind).title == title
    listed = parse_listing(body, url=URL, selectors=Selectors(item=".item"), now=NOW, content_type=kind)
    assert [entry.title for entry in listed.entries] == [title]
