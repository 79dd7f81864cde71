"""Reads the page of a report as a browser does, for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from tinyhtml5.parser import HTMLParser  # type: ignore[import-untyped]


@dataclass
class PageOfReport:
    """The parsed page of a report."""

    source: str
    root: Element
    errors: list[Any]

    @classmethod
    def of(cls, source: str) -> PageOfReport:
        parser = HTMLParser(namespace_html_elements=False)
        root = parser.parse(source)
        return cls(source, root, parser.errors)

    def all(self, tag: str) -> list[Element]:
        return [each for each in self.root.iter() if each.tag == tag]

    def by_id(self, name: str) -> Element:
        (found,) = (each for each in self.root.iter() if each.get("id") == name)
        return found

    def totals(self) -> dict[str, str]:
        """Returns the figures at the top of the page, by their names."""
        (shown,) = (each for each in self.all("dl") if each.get("class") == "totals")
        return {text(card[0]): text(card[1]) for card in shown}

    def notes(self) -> dict[str, str]:
        """Returns the text below each figure at the top of the page, by the name of the figure."""
        (shown,) = (each for each in self.all("dl") if each.get("class") == "totals")
        return {text(card[0]): text(card[2]) for card in shown}

    def table(self, name: str) -> list[list[str]]:
        """Returns the rows of a table, each as the texts of its cells."""
        return [[text(cell) for cell in row] for row in self.by_id(name)]

    def section(self, name: str) -> str:
        """Returns the text of a section; empty if the page does not have the section."""
        found = [each for each in self.all("section") if each.get("aria-labelledby") == name]
        return text(found[0]) if found else ""


def text(element: Element) -> str:
    """Returns the text of an element, with single spaces."""
    return " ".join(" ".join(element.itertext()).split())
