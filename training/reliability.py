"""Whether confidence means what it says: how often triples of each confidence are right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stancery.data.schema import GoldArticle
from stancery.model.article import LabelledArticle
from stancery.training.evaluate import agreeing, gold_stances, matching, triples_of

# The many triples that are rightly unsure would flatter the error.
LEAST_CONFIDENCE = 0.3
BINS = 10
# A handful of lucky triples at the top is no operating point.
LEAST_TRIPLES = 10
PRECISIONS = (0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Answers:
    """Triples that came out.

    Args:
        confidence: of each, float64 (triples,).
        hits: whether each is right, one to one with the labels, bool (triples,).
        gold: how many triples are labelled.
    """

    confidence: np.ndarray
    hits: np.ndarray
    gold: int


@dataclass(frozen=True)
class Bin:
    """Triples of like confidence: their mean confidence, the share that is right, and how many they are."""

    confidence: float
    right: float
    count: int


@dataclass(frozen=True)
class Reliability:
    """Bins of confidence against rightness, and which articles they come from."""

    source: str
    bins: Sequence[Bin]


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold chosen for a precision, and what it gives on articles that did not choose it.

    Args:
        wanted: the precision that was wanted, 0 to 1.
        threshold: the lowest confidence that reached it on the calibration articles; None where none did.
        precision: on other articles, nan where nothing reaches the threshold.
        recall: likewise.
    """

    wanted: float
    threshold: float | None
    precision: float
    recall: float


def answers(articles: Sequence[GoldArticle], predicted: Sequence[LabelledArticle]) -> Answers:
    """Confidence and rightness of every triple; `predicted` should be labelled with a low threshold."""
    confidence: list[float] = []
    hits: list[bool] = []
    for gold, labelled in zip(articles, predicted, strict=True):
        triples = triples_of(labelled)
        matched = matching(triples, gold_stances(gold), agreeing)
        confidence += [triple.confidence for triple in triples]
        hits += [n in matched for n in range(len(triples))]
    return Answers(np.array(confidence), np.array(hits, dtype=bool), sum(len(gold_stances(g)) for g in articles))


def bins(found: Answers, least: float = LEAST_CONFIDENCE) -> list[Bin]:
    """Ten bins of equal size of the triples of at least this confidence, least sure first."""
    kept = found.confidence >= least
    order = np.argsort(found.confidence[kept], kind="stable")
    parts = np.array_split(order, min(BINS, max(len(order), 1)))
    sure, right = found.confidence[kept], found.hits[kept]
    return [Bin(float(sure[part].mean()), float(right[part].mean()), len(part)) for part in parts if len(part)]


def calibration_error(parts: Sequence[Bin]) -> float:
    """Expected calibration error: mean distance of confidence and rightness (Naeini et al. 2015); nan without bins."""
    total = sum(part.count for part in parts)
    return sum(part.count * abs(part.confidence - part.right) for part in parts) / total if total else float("nan")


def operating_points(chosen_on: Answers, measured_on: Answers) -> list[OperatingPoint]:
    """For each of `PRECISIONS` the lowest threshold that reaches it on the first, measured on the second."""
    order = np.argsort(-chosen_on.confidence, kind="stable")
    sure = chosen_on.confidence[order]
    precision = chosen_on.hits[order].cumsum() / np.arange(1, len(order) + 1)
    # A threshold takes all triples of one confidence or none.
    is_last_of_its_kind = np.append(sure[1:] < sure[:-1], True)[: len(order)]
    points = []
    for wanted in PRECISIONS:
        enough = np.flatnonzero((precision >= wanted) & is_last_of_its_kind)
        enough = enough[enough >= LEAST_TRIPLES - 1]
        if not len(enough):
            points.append(OperatingPoint(wanted, None, float("nan"), 0.0))
            continue
        threshold = float(sure[enough[-1]])
        above = measured_on.hits[measured_on.confidence >= threshold]
        share = float(above.mean()) if len(above) else float("nan")
        points.append(OperatingPoint(wanted, threshold, share, float(above.sum() / max(measured_on.gold, 1))))
    return points
