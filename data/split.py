"""Which article goes to which part. By article, not sentence: neighbours share their quotes."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from stancery.data.schema import GoldArticle

PARTS = ("train", "validation", "calibration")

Item = TypeVar("Item")


def split_by_article(
    articles: Sequence[GoldArticle], validation: float = 0.1, calibration: float = 0.1, by_part: bool = True
) -> dict[str, list[GoldArticle]]:
    """Articles by part: as their `part` says where they have one, else by a hash of the id.

    Args:
        articles: labelled articles.
        validation: share of the articles without `part` that validate.
        calibration: share that calibrates.
        by_part: heed `part`; else all articles are divided by their id.
    """
    parts: dict[str, list[GoldArticle]] = {part: [] for part in PARTS}
    for gold in articles:
        parts[_part(gold, validation, calibration, by_part)].append(gold)
    return parts


def _part(gold: GoldArticle, validation: float, calibration: float, by_part: bool) -> str:
    part = gold.extra.get("part")
    if by_part and part in PARTS:
        return str(part)
    digest = hashlib.sha256(str(gold.article.id).encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < validation:
        return "validation"
    return "calibration" if place < validation + calibration else "train"
