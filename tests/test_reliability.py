import math

import numpy as np
import pytest

from stancery.model.article import Article, LabelledArticle, Sentence, Span, Triple
from stancery.training.reliability import Answers, answers, bins, calibration_error, operating_points
from stancery.training.report import diagram

ROWS = 1000


@pytest.fixture
def honest():
    """Right as often as it says."""
    draw = np.random.default_rng(0)
    confidence = draw.uniform(0, 1, ROWS)
    return Answers(confidence, draw.uniform(0, 1, ROWS) < confidence, gold=600)


def test_honest_confidence_has_little_error_and_boasting_has_much(honest):
    boasting = Answers(honest.confidence**0.3, honest.is_right, honest.gold)
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
    assert all(point.threshold is None for point in operating_points(nothing))


def test_an_operating_point_is_as_precise_as_wanted(honest):
    for point in operating_points(honest):
        if point.threshold is not None:
            above = honest.is_right[honest.confidence >= point.threshold]
            assert above.mean() >= point.wanted
            assert point.recall == pytest.approx(above.sum() / 600)


def test_a_labelled_triple_makes_one_answer_right():
    from test_evaluate import ACTOR, GOLD, IRAN, TEXT

    found = tuple(Triple(actor, "condemns", IRAN, "ACCUSE", 0.9, "") for actor in (ACTOR, Span(8, 17)))
    labelled = LabelledArticle(Article(TEXT, "x"), (Sentence(Span(0, 43), found),))
    assert answers([GOLD], [labelled]).is_right.sum() == 1


def test_the_diagram_shows_every_bin(honest):
    assert diagram(bins(honest)).count("<circle") == 10
