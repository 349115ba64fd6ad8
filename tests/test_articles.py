"""The articles that we wrote are as varied as they should be."""

import re
from collections import Counter
from pathlib import Path

import pytest

from stancery.data.read import read_articles
from stancery.model.labels import CLASSES, NONE

FOLDER = Path(__file__).parent.parent / "data" / "articles"
REGISTERS = {
    "wire",
    "broadsheet",
    "newswire",
    "press release",
    "speech",
    "briefing",
    "opinion",
    "briefs",
    "legal",
    "parliamentary",
}
# Two or three capitalised words, none of which a body, an office or a place has.
PERSON = re.compile(r"[^\W\d_a-z][\w’'-]+(?: (?:al-|bin |van |von |de |da )?[^\W\d_a-z][\w’'-]+){1,2}")
NO_PERSON = re.compile(
    r"\b(?:Party|Ministry|Minister|President|Council|Union|Court|House|States?|Nations?|Army|Front|Group|Committee|"
    r"Commission|Association|Agency|Bank|Congress|Senate|Assembly|Parliament|Government|Republic|Kingdom|Zealand|Africa|"
    r"Police|Office|Organi[sz]ation|Movement|Forces?|Korea|Sudan|Arabia|Lanka|Verde|Rica|Salvador|Security|National)\b"
)


@pytest.fixture(scope="module")
def articles():
    return read_articles([FOLDER])


def words(article):
    return re.findall(r"\w+", article.article.text.lower())


def names(article):
    return {name for t in article.triples for name in (t.actor_entity, t.target_entity) if name}


def test_no_phrase_is_used_again_and_again(articles):
    seen = Counter()
    for article in articles:
        own = words(article)
        seen.update({tuple(own[n : n + 8]) for n in range(len(own) - 7)})
    assert [" ".join(run) for run, times in seen.items() if times > 3] == []


def test_no_two_articles_begin_alike(articles):
    begins = Counter(tuple(words(article)[:10]) for article in articles)
    assert [" ".join(begin) for begin, times in begins.items() if times > 1] == []


def test_nobody_stands_everywhere(articles):
    times = Counter(name for article in articles for name in names(article))
    assert {name: n for name, n in times.items() if n > 0.2 * len(articles)} == {}
    persons = {name: n for name, n in times.items() if PERSON.fullmatch(name) and not NO_PERSON.search(name)}
    assert len(persons) > 100
    assert {name: n for name, n in persons.items() if n > 0.04 * len(articles)} == {}


def test_every_code_and_register_is_there(articles):
    assert {t.code for a in articles for t in a.triples} >= set(CLASSES) - {NONE}
    assert {a.extra.get("register") for a in articles} == REGISTERS


def test_pairs_without_stance_are_there_meetings_and_violence_among_them(articles):
    codes = Counter(t.code for a in articles for t in a.triples if t.stances == (NONE,))
    assert min(codes["CONSULT"], codes["ASSAULT"], codes[None]) >= 50
