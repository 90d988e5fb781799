"""Reads the list of publishers and sources (`sources.toml`) into values and finds every mistake in it."""

import re
from collections.abc import Mapping
from pathlib import Path

from config.problems import Problem
from config.tables import Table, find_repeats, is_web_address, raise_problems, read_toml, suggest
from core.values import PageSelectors, Publisher, PublisherSlug, Render, Selectors, Source, SourceId, SourceKind, Tier

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
_FIELDS = ("link", "title", "summary", "date", "image")
_PAGE_FIELDS = ("body", "title", "author", "date")


def load_sources(path: Path) -> list[Source]:
    """Read the sources in file order, disabled ones too; ids and addresses are unique.

    Raises ConfigError with every problem of the file.
    """
    problems: list[Problem] = []
    root = read_toml(path, problems)
    publishers = _read_publishers(root)
    tables = root.records("source", name_key="id")
    sources = [_read_source(table, publishers) for table in tables]
    root.finish()
    _find_repeated(sources, tables)
    if not sources and not problems:
        root.complain("source", "there is none; add a [[source]] (docs/adding-a-source.md)")
    raise_problems(problems)
    return sources


def _read_publishers(root: Table) -> Mapping[str, Publisher]:
    publishers: dict[str, Publisher] = {}
    for table in root.records("publisher", name_key="slug"):
        publisher = _read_publisher(table)
        if publisher.slug in publishers:
            table.complain("slug", "is taken by another publisher; choose another slug")
        publishers[publisher.slug] = publisher
    return publishers


def _read_publisher(table: Table) -> Publisher:
    homepage = table.text("homepage")
    if homepage and not is_web_address(homepage):
        table.complain("homepage", f"{homepage!r} is no web address; write one that starts with https://")
    publisher = Publisher(
        slug=PublisherSlug(table.slug("slug")),
        name=table.text("name", is_required=True),
        tier=table.choice("tier", Tier),
        homepage=homepage,
    )
    table.finish()
    return publisher


def _read_source(table: Table, publishers: Mapping[str, Publisher]) -> Source:
    kind = table.choice("kind", SourceKind, default=SourceKind.FEED)
    source = Source(
        source_id=SourceId(table.slug("id")),
        publisher=_find_publisher(table, publishers),
        kind=kind,
        url=_read_address(table),
        language=_read_language(table),
        interval=table.duration("interval"),
        full_text=table.flag("full_text", default=False),
        selectors=_read_selectors(table, kind),
        spider=_read_spider(table, kind),
        page=_read_page(table),
        enabled=table.flag("enabled", default=True),
        seen_at=table.text("seen_at"),
        render=_read_render(table, kind),
    )
    table.finish()
    return source


def _find_publisher(table: Table, publishers: Mapping[str, Publisher]) -> Publisher:
    slug = table.text("publisher", is_required=True)
    if slug and slug not in publishers:
        table.complain("publisher", f"there is no publisher {slug!r}; {suggest(slug, publishers)}")
    return publishers.get(slug, Publisher(slug=PublisherSlug(slug), name=slug))


def _read_address(table: Table) -> str:
    url = table.text("url", is_required=True)
    if url and not is_web_address(url):
        table.complain("url", f"{url!r} is no web address; write one that starts with https://")
    return url


def _read_language(table: Table) -> str:
    language = table.text("language") or "en"
    if not _LANGUAGE.fullmatch(language):
        table.complain("language", f"{language!r} is no language code; write one such as en, fr or pt-BR")
    return language


def _read_selectors(table: Table, kind: SourceKind) -> Selectors | None:
    is_given = table.has("selectors")
    if kind is not SourceKind.LISTING:
        if is_given:
            table.complain("selectors", f"are for listings, and this is a {kind}; remove them or set the kind")
        return None
    if table.has("spider"):
        if is_given:
            table.complain("selectors", "do nothing beside a spider; remove one of the two")
        return None
    if not is_given:
        table.complain("selectors", 'are missing, and a listing needs them; add { item = "..." }')
        return Selectors(item="")
    return _check_selectors(table.table("selectors"))


def _read_spider(table: Table, kind: SourceKind) -> str:
    if not table.has("spider"):
        return ""
    if kind is not SourceKind.LISTING:
        table.complain("spider", f"is for listings, and this is a {kind}; remove it or set the kind")
    return table.slug("spider")


def _read_render(table: Table, kind: SourceKind) -> Render:
    render = table.choice("render", Render, default=Render.PLAIN)
    if render is not Render.PLAIN and kind is not SourceKind.LISTING:
        table.complain("render", f"is for listings, and this is a {kind}; remove it or set the kind")
    return render


def _read_page(table: Table) -> PageSelectors | None:
    if not table.has("page"):
        return None
    page = table.table("page")
    given = {name: page.text(name) for name in _PAGE_FIELDS if page.has(name)}
    _complain_of_selectors(page, given)
    page.finish()
    return PageSelectors(**given)


def _check_selectors(table: Table) -> Selectors:
    item = table.text("item", is_required=True)
    given = {name: table.text(name) for name in _FIELDS if table.has(name)}
    _complain_of_selectors(table, {"item": item, **given})
    table.finish()
    return Selectors(item=item, **given)


def _complain_of_selectors(table: Table, given: Mapping[str, str]) -> None:
    for name, selector in given.items():
        problem = _find_selector_problem(selector) if selector else ""
        if problem:
            table.complain(name, f"{selector!r} is no {problem}; mend it")


def _find_selector_problem(selector: str) -> str:
    from core.parsing.selecting import find_fault, is_xpath  # noqa: PLC0415 - only a listing is worth its import

    fault = find_fault(selector)
    return f"{'XPath' if is_xpath(selector) else 'CSS selector'} ({fault})" if fault else ""


def _find_repeated(sources: list[Source], tables: list[Table]) -> None:
    repeated_ids = find_repeats(source.source_id for source in sources)
    repeated_urls = find_repeats(source.url for source in sources)
    seen: set[str] = set()
    for source, table in zip(sources, tables, strict=True):
        if source.source_id in repeated_ids and source.source_id in seen:
            table.complain("id", "is taken by another source; choose another id")
        if source.url in repeated_urls and source.url in seen:
            table.complain("url", f"{source.url!r} is read by another source already; remove one of them")
        seen |= {source.source_id, source.url} - {""}
