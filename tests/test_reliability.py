import math

import numpy as np
import pytest

from stancery.model.article import Article, LabelledArticle, Sentence, Span, Triple
from stancery.model.decode import DecodeSettings
from stancery.model.folder import ModelConfig
from stancery.training.evaluate import Score
from stancery.training.reliability import Answers, Reliability, answers, bins, calibration_error, operating_points
from stancery.training.report import diagram, report

ROWS = 1000


@pytest.fixture
def honest():
    """Right as often as it says."""
    draw = np.random.default_rng(0)
    confidence = draw.uniform(0, 1, ROWS)
    return Answers(confidence, draw.uniform(0, 1, ROWS) < confidence, gold=600)


def test_honest_confidence_has_little_error_and_boasting_has_much(honest):
    boasting = Answers(honest.confidence**0.3, honest.hits, honest.gold)
    assert calibration_error(bins(honest)) < 0.06
    assert calibration_error(bins(boasting)) > 0.1


def test_bins_are_of_equal_size_and_leave_out_what_is_unsure(honest):
    found = bins(honest)
    kept = int((honest.confidence >= 0.3).sum())
    assert len(found) == 10
    assert sum(part.count for part in found) == kept
    assert max(part.count for part in found) - min(part.count for part in found) <= 1
    assert [part.confidence for part in found] == sorted(part.confidence for part in found)


def test_without_triples_there_is_no_error_to_report():
    nothing = Answers(np.array([]), np.array([], dtype=bool), 3)
    assert bins(nothing) == []
    assert math.isnan(calibration_error([]))
    assert all(point.threshold is None for point in operating_points(nothing, nothing))


def test_a_threshold_is_the_lowest_that_is_precise_enough_and_measured_on_others(honest):
    draw = np.random.default_rng(1)
    confidence = draw.uniform(0, 1, ROWS)
    others = Answers(confidence, draw.uniform(0, 1, ROWS) < confidence, gold=500)
    points = operating_points(honest, others)
    assert points[0].threshold is not None
    for point in points[:2]:
        chosen = honest.hits[honest.confidence >= point.threshold]
        assert chosen.mean() >= point.wanted
        lower = np.sort(honest.confidence[honest.confidence < point.threshold])[::-1]
        assert all(honest.hits[honest.confidence >= t].mean() < point.wanted for t in lower)
        above = others.hits[others.confidence >= point.threshold]
        assert (point.precision, point.recall) == (pytest.approx(above.mean()), pytest.approx(above.sum() / 500))


def test_a_threshold_takes_all_triples_of_one_confidence():
    tied = Answers(np.full(20, 0.9), np.arange(20) < 10, gold=20)
    assert all(point.threshold is None for point in operating_points(tied, tied))


def test_the_report_says_what_was_measured_and_leaves_out_what_was_not(honest):
    config = ModelConfig("a <b>", "1", "base", 96, 16, DecodeSettings(), {}, {})
    nothing = report(config, {}, [], [])
    assert "a &lt;b&gt; 1" in nothing
    assert "Not scored" in nothing
    scores = {"triple": Score(0.5, 0.25, 0.333, 0.3, 0.4, 10, 5)}
    page = report(config, scores, [Reliability("here", bins(honest))], operating_points(honest, honest))
    assert "0.333" in page
    assert "Reliability, here" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_labelled_triple_makes_one_answer_right():
    from test_evaluate import ACTOR, GOLD, IRAN, TEXT

    found = tuple(Triple(actor, "condemns", IRAN, "ACCUSE", 0.9, "") for actor in (ACTOR, Span(8, 17)))
    labelled = LabelledArticle(Article(TEXT, "x"), (Sentence(Span(0, 43), found),))
    assert answers([GOLD], [labelled]).hits.sum() == 1


def test_the_diagram_shows_every_bin(honest):
    assert diagram(bins(honest)).count("<circle") == 10
