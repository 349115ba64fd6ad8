"""Whether confidence means what it says: how often triples of each confidence are right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stancery.data.schema import GoldArticle
from stancery.model.article import LabelledArticle
from stancery.training.evaluate import gold_stances, is_right, triples_of

# Below it few triples are ever shown; the many that are rightly unsure would flatter the error.
LEAST_CONFIDENCE = 0.3
BINS = 10
PRECISIONS = (0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Answers:
    """Triples that came out.

    Args:
        confidence: of each, float64 (triples,).
        is_right: whether each is, one to one with the labels, bool (triples,).
        gold: how many triples are labelled.
    """

    confidence: np.ndarray
    is_right: np.ndarray
    gold: int


@dataclass(frozen=True)
class Bin:
    """Triples of like confidence: their mean confidence, the share that is right, and how many they are."""

    confidence: float
    right: float
    count: int


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and the precision and recall of the triples that reach it; None where none is precise enough."""

    wanted: float
    threshold: float | None
    precision: float
    recall: float


def answers(articles: Sequence[GoldArticle], predicted: Sequence[LabelledArticle]) -> Answers:
    """Confidence and rightness of every triple; `predicted` should be labelled with a low threshold."""
    confidence: list[float] = []
    right: list[bool] = []
    for gold, labelled in zip(articles, predicted, strict=True):
        triples = sorted(triples_of(labelled), key=lambda triple: -triple.confidence)
        confidence += [triple.confidence for triple in triples]
        right += is_right(triples, gold_stances(gold))
    return Answers(np.array(confidence), np.array(right, dtype=bool), sum(len(gold_stances(g)) for g in articles))


def bins(found: Answers, least: float = LEAST_CONFIDENCE) -> list[Bin]:
    """Ten bins of equal size of the triples of at least this confidence, least sure first."""
    kept = found.confidence >= least
    order = np.argsort(found.confidence[kept], kind="stable")
    parts = np.array_split(order, min(BINS, max(len(order), 1)))
    sure, right = found.confidence[kept], found.is_right[kept]
    return [Bin(float(sure[part].mean()), float(right[part].mean()), len(part)) for part in parts if len(part)]


def calibration_error(parts: Sequence[Bin]) -> float:
    """Expected calibration error: mean distance of confidence and rightness (Naeini et al. 2015); nan without bins."""
    total = sum(part.count for part in parts)
    return sum(part.count * abs(part.confidence - part.right) for part in parts) / total if total else float("nan")


def operating_points(found: Answers) -> list[OperatingPoint]:
    """For each of `PRECISIONS` the lowest threshold that reaches it."""
    order = np.argsort(-found.confidence, kind="stable")
    hits = found.is_right[order].cumsum()
    precision = hits / np.arange(1, len(order) + 1)
    points = []
    for wanted in PRECISIONS:
        enough = np.flatnonzero(precision >= wanted)
        # A handful of lucky triples at the top is no operating point.
        enough = enough[enough >= 9]
        if len(enough):
            last = int(enough[-1])
            threshold = float(found.confidence[order[last]])
            points.append(OperatingPoint(wanted, threshold, float(precision[last]), float(hits[last] / found.gold)))
        else:
            points.append(OperatingPoint(wanted, None, float("nan"), 0.0))
    return points
