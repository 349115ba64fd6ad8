"""The shipped model on sentences of our own: who does what to whom."""

import re

import pytest

from stancery.model.article import Article, Span
from stancery.model.classifier import DEFAULT_MODEL, Classifier

SHIPPED = sum(file.stat().st_size for file in DEFAULT_MODEL.glob("*")) if DEFAULT_MODEL.is_dir() else 0


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load()


def triples(classifier, text):
    return {
        (text[slice(*triple.actor)], triple.stance, text[slice(*triple.target)])
        for sentence in classifier.label(Article(text)).sentences
        for triple in sentence.triples
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Norway condemned Belarus on Friday over the arrests.", ("Norway", "condemns", "Belarus")),
        ("Belarus condemned Norway on Friday over the arrests.", ("Belarus", "condemns", "Norway")),
        ("Kenya was sharply criticised by Canada at the meeting.", ("Canada", "condemns", "Kenya")),
        ("France praised Ghana for its peaceful elections.", ("France", "supports", "Ghana")),
        ("Ghana praised France for its peaceful elections.", ("Ghana", "supports", "France")),
        ("The prime minister said that Japan had urged Russia to release the crew.", ("Japan", "pressures", "Russia")),
        ("Canada imposed sanctions on Myanmar's generals, the ministry said.", ("Canada", "pressures", "generals")),
        ("Germany will send weapons to Ukraine.", ("Germany", "supports", "Ukraine")),
    ],
)
def test_who_does_what_to_whom(classifier, text, expected):
    actor, stance, target = expected
    found = triples(classifier, text)
    assert any(a == actor and s == stance and target in t for a, s, t in found), found
    assert not any(a in target and t == actor for a, _, t in found), "the direction is right"


@pytest.mark.parametrize(
    "text",
    [
        "The presidents of Chile and Peru met in Lima on Monday.",
        "The museum in Oslo opens at nine and closes at five.",
        "Brazil beat Croatia two to one in the final.",
    ],
)
def test_names_that_merely_stand_together_carry_no_stance(classifier, text):
    assert triples(classifier, text) == set()


def test_one_sentence_gives_many_triples(classifier):
    found = triples(classifier, "The United States and the European Union condemned Russia and Belarus.")
    assert {(a, s) for a, s, _ in found} == {("United States", "condemns"), ("European Union", "condemns")}
    assert {t for _, _, t in found} == {"Russia", "Belarus"}


def test_a_given_pair_is_read_by_direction(classifier):
    text = "Norway condemned Belarus on Friday over the arrests."
    there, back = classifier.score_pairs([(text, Span(0, 6), Span(17, 24)), (text, Span(17, 24), Span(0, 6))])
    assert max(there.stances, key=there.stances.get) == "condemns"
    assert back.stances["condemns"] < there.stances["condemns"]


def test_scores_do_not_depend_on_the_neighbours_of_an_article(classifier):
    articles = [Article(f"{name} condemned Belarus. " * n) for n, name in enumerate(["Oslo", "Rome", "Paris"], 3)]
    alone = [classifier.label(article) for article in articles]
    assert list(classifier.label_all(articles[::-1]))[::-1] == alone


def test_the_shipped_folder_stays_small_and_says_what_it_is(classifier):
    assert 0 < SHIPPED <= 75_000_000
    assert not [file.name for file in DEFAULT_MODEL.iterdir() if file.suffix in (".pkl", ".bin", ".pt", ".py")]
    assert classifier.info.name == "stancery-default"
    assert classifier.info.scores["validation"]["triple"]["f1"] > 0.3
    assert re.search(r"\| triple +\|", (DEFAULT_MODEL / "README.md").read_text(encoding="utf-8"))
