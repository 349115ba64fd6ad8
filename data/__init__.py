"""Labelled articles: read, checked, converted, split. Needs no torch."""

from stancery.data.read import read_articles
from stancery.data.schema import GoldArticle, GoldTriple
from stancery.data.write import to_json_line, to_markdown

__all__ = ["GoldArticle", "GoldTriple", "read_articles", "to_json_line", "to_markdown"]
