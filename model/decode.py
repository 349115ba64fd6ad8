"""Scores of a window -> triples: candidate spans, their ordered pairs, and calibrated confidence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stancery.model.article import Span, Triple
from stancery.model.encode import Bools, Ints, Window
from stancery.model.labels import CLASSES, CLASSES_OF_GROUP, GROUPS, KINDS, STANCES

Floats = NDArray[np.float32]

ACTOR, TARGET = 0, 1
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """What counts as a candidate, and how scores become confidences; part of config.json.

    Args:
        span_threshold: probability from which a span is a candidate, per role.
        max_candidates: candidates of one role in one sentence at most.
        max_span_tokens: length of a candidate at most.
        temperature: divides the pair logits before softmax.
        confidence: weights of a logistic regression on the logits of stance, actor span and target span, then its
            intercept.
        threshold: confidence from which a triple is given.
    """

    span_threshold: float = 0.02
    max_candidates: int = 8
    max_span_tokens: int = 16
    temperature: float = 1.0
    confidence: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    threshold: float = 0.5

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DecodeSettings":
        """The settings as config.json holds them."""
        return cls(**{**values, "confidence": tuple(values["confidence"])})


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ordered pairs of candidate spans of one window.

    Args:
        pairs: first and last token of actor, target and sentence, inclusive, int64 (pairs, 6).
        spans: span logits of actor and target, float32 (pairs, 2).
        sentences: index of the sentence in the article, int64 (pairs,).
    """

    pairs: Ints
    spans: Floats
    sentences: Ints


def candidate_spans(window: Window, span_logits: Floats, settings: DecodeSettings) -> list[tuple[list[Any], list[Any]]]:
    """Candidate (first, last, logit) per segment and role, best first, none overlapping another of its role.

    Args:
        window: what was encoded.
        span_logits: float32 (roles, tokens, tokens), by first and last token.
        settings: the limits.
    """
    floor = float(np.log(settings.span_threshold / (1 - settings.span_threshold)))
    allowed = allowed_spans(window, settings.max_span_tokens)
    found: list[tuple[list[Any], list[Any]]] = [([], []) for _ in window.segments]
    roles, firsts, lasts = np.nonzero((span_logits >= floor) & allowed)
    logits = span_logits[roles, firsts, lasts]
    owner = window.segment_of_token()[firsts]
    for n in np.argsort(-logits, kind="stable"):
        first, last = int(firsts[n]), int(lasts[n])
        chosen = found[owner[n]][roles[n]]
        if len(chosen) < settings.max_candidates and all(last < a or b < first for a, b, _ in chosen):
            chosen.append((first, last, float(logits[n])))
    return found


def candidate_pairs(window: Window, span_logits: Floats, settings: DecodeSettings) -> Candidates:
    """Every candidate actor with every candidate target of its sentence that it does not overlap."""
    pairs, spans, sentences = [], [], []
    for segment, (actors, targets) in zip(window.segments, candidate_spans(window, span_logits, settings), strict=True):
        for a_first, a_last, a_logit in actors:
            for t_first, t_last, t_logit in targets:
                if a_last < t_first or t_last < a_first:
                    pairs.append((a_first, a_last, t_first, t_last, segment.first, segment.last))
                    spans.append((a_logit, t_logit))
                    sentences.append(segment.sentence)
    return Candidates(
        np.array(pairs, dtype=np.int64).reshape(-1, 6),
        np.array(spans, dtype=np.float32).reshape(-1, 2),
        np.array(sentences, dtype=np.int64),
    )


def allowed_spans(window: Window, longest: int) -> Bools:
    """Spans of whole words within one sentence, at most `longest` tokens, bool (tokens, tokens)."""
    owner = window.segment_of_token()
    length = np.arange(len(owner))[None, :] - np.arange(len(owner))[:, None] + 1
    allowed: Bools = (length >= 1) & (length <= longest) & (owner[:, None] == owner[None, :]) & (owner[:, None] >= 0)
    return allowed & window.starts[:, None] & window.ends[None, :]


def class_probabilities(logits: Floats, temperature: float) -> Floats:
    """Softmax over `labels.CLASSES`, float32 (pairs, classes)."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True)) if len(logits) else scaled
    probabilities: Floats = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def group_probabilities(classes: Floats) -> Floats:
    """Sums of class probabilities over `labels.GROUPS`, float32 (pairs, groups)."""
    return np.stack([classes[:, list(CLASSES_OF_GROUP[group])].sum(axis=1) for group in GROUPS], axis=1)


def confidence_features(stances: Floats, spans: Floats) -> Floats:
    """Logits of stance, actor span and target span, float32 (pairs, stances, 3)."""
    bounded = np.clip(stances, _TINY, 1 - _TINY)
    logits = np.log(bounded / (1 - bounded))
    repeated = np.repeat(spans[:, None, :], stances.shape[1], axis=1)
    features: Floats = np.concatenate([logits[:, :, None], repeated], axis=2)
    return features


def confidences(classes: Floats, spans: Floats, settings: DecodeSettings) -> Floats:
    """Probability that the triple of each pair and stance is right, float32 (pairs, stances)."""
    *weights, intercept = settings.confidence
    stances = group_probabilities(classes)[:, 1:]
    logits = confidence_features(stances, spans) @ np.array(weights, dtype=np.float32) + intercept
    right: Floats = 1 / (1 + np.exp(-logits))
    return right


def decode(
    window: Window,
    candidates: Candidates,
    pair_logits: Floats,
    matter_logits: Floats,
    settings: DecodeSettings,
    threshold: float | None = None,
) -> list[tuple[int, Triple]]:
    """Triples with their sentence's index, surest first.

    Args:
        window: what was encoded.
        candidates: the pairs that were scored.
        pair_logits: float32 (pairs, classes).
        matter_logits: of "the target is a matter", float32 (pairs,).
        settings: calibration and default threshold.
        threshold: least confidence, instead of the default.
    """
    classes = class_probabilities(pair_logits, settings.temperature)
    sure = confidences(classes, candidates.spans, settings)
    rows, columns = np.nonzero(sure >= (settings.threshold if threshold is None else threshold))
    order = np.argsort(-sure[rows, columns], kind="stable")
    triples = []
    for row, column in zip(rows[order], columns[order], strict=True):
        actor, target = pair_spans(window, candidates.pairs[row])
        stance = STANCES[column]
        codes = CLASSES_OF_GROUP[stance]
        code = CLASSES[codes[int(classes[row, list(codes)].argmax())]]
        triple = Triple(
            actor=actor,
            stance=str(stance),
            target=target,
            code=code,
            confidence=float(sure[row, column]),
            target_kind=KINDS[int(matter_logits[row] > 0)],
        )
        triples.append((int(candidates.sentences[row]), triple))
    return triples


def pair_spans(window: Window, pair: Ints) -> tuple[Span, Span]:
    """Characters of actor and target of one row of pairs, int64 (6,)."""
    starts, ends = window.offsets[:, 0], window.offsets[:, 1]
    return Span(int(starts[pair[0]]), int(ends[pair[1]])), Span(int(starts[pair[2]]), int(ends[pair[3]]))
