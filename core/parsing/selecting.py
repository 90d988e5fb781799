"""Selectors of sources, CSS as Scrapy writes it or XPath: which one is, what is wrong with it, what it finds."""

import re

import cssselect
import parsel
from lxml import etree
from parsel.csstranslator import HTMLTranslator

# No CSS selector begins like these.
_XPATH_START = re.compile(r"\.{0,2}/|[(@]|\.\Z")


def is_xpath(selector: str) -> bool:
    """Say whether a selector is meant as XPath: it begins with `/`, `./`, `(` or `@`."""
    return _XPATH_START.match(selector) is not None


def find_fault(selector: str) -> str:
    """Say what is wrong with a selector, in the words of who reads it; empty for a sound one."""
    try:
        if is_xpath(selector):
            etree.XPath(selector)
        else:
            HTMLTranslator().css_to_xpath(selector)
    except (cssselect.SelectorError, etree.XPathError, ValueError) as error:
        return str(error) or "it cannot be read"
    return ""


def select_in(box: parsel.Selector, selector: str) -> parsel.SelectorList[parsel.Selector]:
    """Find what a selector names below an element. `//a` is looked for in the element, not in the whole page.

    Errors: `ValueError` for what cannot be read.
    """
    if is_xpath(selector):
        return box.xpath(f".{selector}" if selector.startswith("//") else selector)
    try:
        return box.css(selector)
    except cssselect.SelectorError as error:
        raise ValueError(str(error)) from error
