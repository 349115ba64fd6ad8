import pytest

from stancery.data.schema import parse_row
from stancery.model.article import Article, LabelledArticle, Sentence, Span, Triple
from stancery.training.evaluate import agree, best_threshold, evaluate

TEXT = "The US government condemned Iran and Syria. Oslo shrugged."
ACTOR, IRAN, SYRIA = Span(4, 17), Span(28, 32), Span(37, 42)


def gold(*stances):
    rows = [
        {"actor": list(actor), "stance": stance, "target": list(target), "code": code}
        for actor, stance, target, code in stances
    ]
    parsed = parse_row({"id": "x", "text": TEXT, "sentences": [[0, 43], [44, 58]], "stances": rows})
    assert not isinstance(parsed, list), parsed
    return parsed


def labelled(*triples):
    found = tuple(Triple(a, s, t, code, confidence, "participant") for a, s, t, code, confidence in triples)
    return LabelledArticle(Article(TEXT, "x"), (Sentence(Span(0, 43), found), Sentence(Span(44, 58))))


GOLD = gold((ACTOR, "condemns", IRAN, "ACCUSE"), (ACTOR, "condemns", SYRIA, "ACCUSE"))


def test_a_perfect_answer_scores_one():
    perfect = labelled((ACTOR, "condemns", IRAN, "ACCUSE", 0.9), (ACTOR, "condemns", SYRIA, "ACCUSE", 0.8))
    for name, score in evaluate([GOLD], [perfect]).items():
        assert score.f1 == (0 if name in ("supports", "pressures") else 1), name


def test_direction_stance_and_span_each_count():
    for wrong in [
        (IRAN, "condemns", ACTOR, "ACCUSE", 0.9),
        (ACTOR, "supports", IRAN, "SUPPORT", 0.9),
        (ACTOR, "condemns", Span(44, 48), "ACCUSE", 0.9),
    ]:
        assert evaluate([GOLD], [labelled(wrong)])["triple"].f1 == 0


def test_a_span_with_its_article_is_lenient_but_not_exact():
    scores = evaluate([GOLD], [labelled((Span(0, 17), "condemns", IRAN, "REJECT", 0.9))])
    assert scores["triple"].recall == pytest.approx(0.5)
    assert scores["triple_exact"].f1 == 0
    assert (scores["code"].gold, scores["code"].f1) == (1, 0)
    assert scores["actor_stance"].f1 == 1
    assert scores["stance"].f1 == 1


def test_one_prediction_matches_one_gold_triple():
    twice = labelled((ACTOR, "condemns", IRAN, "ACCUSE", 0.9), (Span(7, 17), "condemns", IRAN, "ACCUSE", 0.8))
    score = evaluate([GOLD], [twice])["triple"]
    assert (score.precision, score.recall) == (0.5, 0.5)


def test_pairs_labelled_none_are_no_gold():
    none = gold((ACTOR, "none", IRAN, "CONSULT"))
    assert evaluate([none], [labelled()])["triple"].gold == 0


def test_the_interval_holds_the_score_and_narrows_with_articles():
    good = labelled((ACTOR, "condemns", IRAN, "ACCUSE", 0.9), (ACTOR, "condemns", SYRIA, "ACCUSE", 0.8))
    few = evaluate([GOLD] * 6, [good, labelled()] * 3)["triple"]
    many = evaluate([GOLD] * 60, [good, labelled()] * 30)["triple"]
    assert few.low < few.f1 < few.high
    assert many.high - many.low < few.high - few.low


def test_spans_agree_as_the_scorer_says():
    assert agree(Span(0, 4), Span(0, 34))
    assert not agree(Span(0, 4), Span(0, 35))
    assert agree(Span(0, 10), Span(5, 12)) is False
    assert agree(Span(0, 10), Span(2, 13))
    assert not agree(Span(0, 4), Span(4, 8))


def test_the_best_threshold_parts_right_from_wrong():
    mixed = labelled((ACTOR, "condemns", IRAN, "ACCUSE", 0.8), (IRAN, "condemns", ACTOR, "ACCUSE", 0.4))
    threshold, f1 = best_threshold([GOLD], [mixed])
    assert 0.4 < threshold <= 0.8
    assert f1 == pytest.approx(2 / 3)
