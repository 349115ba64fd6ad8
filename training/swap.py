"""Actor swap: the same article about others, so that the network learns what is said and not who usually says it.

Persons become persons of other articles, countries other countries with their capitals and demonyms, throughout.
"""

import csv
import random
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from stancery.data.schema import GoldArticle
from stancery.model.article import Span

COUNTRIES = Path(__file__).parent.parent / "data" / "actors" / "countries.csv"

_NAME = re.compile(r"[^\W\d_a-z][\w’'-]+(?: (?:al-|bin |van |von |de |da )?[^\W\d_a-z][\w’'-]+){1,2}")
_NO_PERSON = re.compile(
    r"\b(?:Party|Ministry|Minister|President|Council|Union|Court|House|State|States|Nations?|Army|Front|Group|Department|"
    r"Committee|Commission|Association|Agency|Bank|Congress|Senate|Assembly|Parliament|Government|Republic|Kingdom|"
    r"Street|News|Times|University|Police|Office|Organi[sz]ation|Movement|Forces?|Islamic|North|South|East|West|"
    r"Supreme|National|Democrats?|Republicans?|Watch|International|Security|Foreign|General|Saudi|European|United)\b"
)


@cache
def countries() -> tuple[tuple[str, ...], ...]:
    """Name, capital and demonym of each country that is swapped."""
    with COUNTRIES.open(encoding="utf-8", newline="") as file:
        return tuple(tuple(row.values()) for row in csv.DictReader(file))


def person_names(articles: Iterable[GoldArticle]) -> list[str]:
    """Names of persons that take part in the articles' triples, sorted; what the swap draws from."""
    return sorted({name for gold in articles for name in _persons(gold)})


def swapped(gold: GoldArticle, names: Sequence[str], draw: random.Random) -> GoldArticle:
    """The article with its persons and some of its countries replaced by others of their kind, offsets and all.

    Args:
        gold: a labelled article; one whose `mentions` are listed is given back as it is.
        names: persons to draw from, see `person_names`.
        draw: the source of chance.
    """
    text = gold.article.text
    others = _person_forms(sorted(_persons(gold)), names, draw) | _country_forms(text, draw)
    others = {old: new for old, new in others.items() if old != new}
    if not others or gold.mentions:
        return gold
    pattern = re.compile(r"\b(?:" + "|".join(re.escape(old) for old in sorted(others, key=len, reverse=True)) + r")\b")
    pieces, olds, shifts, end = [], [0], [0], 0
    for found in pattern.finditer(text):
        new = others[found.group()]
        pieces += [text[end : found.start()], new]
        # Offsets inside a replaced name move with its start, those behind it with its end.
        olds.append(found.end())
        shifts.append(shifts[-1] + len(new) - (found.end() - found.start()))
        end = found.end()

    def moved(span: Span) -> Span:
        start, stop = (at + shifts[bisect_right(olds, at) - 1] for at in span)
        return Span(start, stop)

    triples = tuple(replace(t, actor=moved(t.actor), target=moved(t.target)) for t in gold.triples)
    if any(t.actor.end <= t.actor.start or t.target.end <= t.target.start for t in triples):
        return gold  # a span ended inside a name
    sentences = None if gold.sentences is None else tuple(moved(s) for s in gold.sentences)
    article = replace(gold.article, text="".join([*pieces, text[end:]]))
    return replace(gold, article=article, triples=triples, sentences=sentences)


def is_person(name: str) -> bool:
    """Whether a name looks like a person's: two or three capitalised words, none of them a body's or a country's."""
    places = {form for row in countries() for form in row}
    return bool(_NAME.fullmatch(name)) and not _NO_PERSON.search(name) and not set(name.split()) & places


def _persons(gold: GoldArticle) -> set[str]:
    spans = {span for t in gold.triples for span in (t.actor, t.target)}
    return {name for span in spans if is_person(name := gold.article.text[span.start : span.end])}


def _person_forms(persons: Sequence[str], names: Sequence[str], draw: random.Random) -> dict[str, str]:
    forms = {}
    for person in persons:
        other = draw.choice(names) if names else person
        forms[person] = other
        forms[person.split()[-1]] = other.split()[-1]
    return forms


def _country_forms(text: str, draw: random.Random) -> dict[str, str]:
    there = [row for row in countries() if any(re.search(rf"\b{form}\b", text) for form in row)]
    absent = [row for row in countries() if row not in there]
    chosen = [row for row in there if draw.random() < 0.5]
    others = draw.sample(absent, min(len(chosen), len(absent)))
    pairs = zip(chosen, others, strict=False)
    return {old: new for row, other in pairs for old, new in zip(row, other, strict=True)}
