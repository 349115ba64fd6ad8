"""Confidence that means what it says: fitted on articles that were used for nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from stancery.data.schema import GoldArticle
from stancery.model.article import Triple
from stancery.model.classifier import Classifier
from stancery.model.decode import (
    DecodeSettings,
    Floats,
    candidate_pairs,
    class_probabilities,
    confidence_features,
    group_probabilities,
    pair_spans,
)
from stancery.model.encode import WindowEncoder
from stancery.model.folder import ModelConfig
from stancery.model.labels import CLASSES, STANCES
from stancery.model.runtime import Runtime
from stancery.training.collate import to_examples
from stancery.training.evaluate import agreeing, best_threshold, gold_stances, predict
from stancery.training.loss import pair_losses, pair_rows
from stancery.training.reliability import Answers, answers

# Stances less likely than this are left out of the fit: no threshold reaches them.
LEAST_PROBABILITY = 0.01
LOW_THRESHOLD = 0.05


@dataclass(frozen=True)
class Scored:
    """What the model says of the calibration articles, and what is right.

    Args:
        pair_logits: of labelled and unlisted pairs, float32 (pairs, classes).
        pair_right: classes that would be right, bool (pairs, classes).
        features: of candidate triples, float32 (triples, 3), see `decode.confidence_features`.
        is_right: whether each candidate triple is, bool (triples,).
    """

    pair_logits: Floats
    pair_right: np.ndarray
    features: Floats
    is_right: np.ndarray


def calibrate(runtime: Runtime, encoder: WindowEncoder, articles: Sequence[GoldArticle]) -> DecodeSettings:
    """Temperature and confidence weights by maximum likelihood (Guo et al. 2017, arXiv:1706.04599; Platt 1999)."""
    scored = score_candidates(runtime, encoder, articles, 1.0)
    temperature = fit_temperature(scored.pair_logits, scored.pair_right)
    scored = score_candidates(runtime, encoder, articles, temperature)
    weights = fit_confidence(scored.features, scored.is_right)
    return replace(DecodeSettings(), temperature=temperature, confidence=weights)


def choose_threshold(classifier: Classifier, articles: Sequence[GoldArticle]) -> float:
    """The confidence from which triples are given: best triple F1."""
    return best_threshold(articles, predict(classifier, articles, LOW_THRESHOLD))[0]


def cross_fitted(
    runtime: Runtime, encoder: WindowEncoder, config: ModelConfig, articles: Sequence[GoldArticle], folds: int = 5
) -> Answers:
    """What comes out of each fold of the articles when the others calibrate: confidence that saw none of their labels.

    Each fold has a calibration of its own, so thresholds read off them fit the shipped one only nearly.
    """
    confidence, hits, gold = [], [], 0
    for fold in range(folds):
        held, others = articles[fold::folds], [g for n, g in enumerate(articles) if n % folds != fold]
        if held and others:
            fitted = replace(config, decode=calibrate(runtime, encoder, others))
            found = answers(held, predict(Classifier(runtime, encoder, fitted), held, LOW_THRESHOLD))
            confidence.append(found.confidence)
            hits.append(found.hits)
            gold += found.gold
    return Answers(np.concatenate([*confidence, []]), np.concatenate([*hits, []]).astype(bool), gold)


def score_candidates(
    runtime: Runtime, encoder: WindowEncoder, articles: Sequence[GoldArticle], temperature: float
) -> Scored:
    """Run the model over the articles and compare every candidate with the labels."""
    logits, rights, features, correct = [], [], [], []
    settings = DecodeSettings()
    for gold in articles:
        wanted = gold_stances(gold)
        for example in to_examples([gold], encoder):
            window = example.window
            states, spans = runtime.encode(window.ids, window.casing)
            rows = pair_rows(example, spans)
            if rows:
                logits.append(runtime.score_pairs(states, np.array([row[0] for row in rows]))[0])
                rights.append(np.array([row[1] for row in rows]))
            candidates = candidate_pairs(window, spans, settings)
            if not gold.complete or not len(candidates.pairs):
                continue  # what a partial row does not list may be right
            classes = class_probabilities(runtime.score_pairs(states, candidates.pairs)[0], temperature)
            stances = group_probabilities(classes)[:, 1:]
            found = confidence_features(stances, candidates.spans)
            for pair, stance in np.argwhere(stances >= LEAST_PROBABILITY):
                actor, target = pair_spans(window, candidates.pairs[pair])
                triple = Triple(actor, str(STANCES[stance]), target, "", 1.0, "")
                features.append(found[pair, stance])
                correct.append(any(agreeing(g, triple) for g in wanted))
    return Scored(
        np.concatenate(logits) if logits else np.empty((0, len(CLASSES)), np.float32),
        np.concatenate(rights) if rights else np.empty((0, len(CLASSES)), bool),
        np.array(features, dtype=np.float32).reshape(-1, 3),
        np.array(correct, dtype=bool),
    )


def fit_temperature(logits: Floats, right: np.ndarray) -> float:
    """What to divide the logits by, so that the right classes are likeliest; 1 where there are none."""
    if not len(logits):
        return 1.0
    scores, mask = torch.from_numpy(logits).double(), torch.from_numpy(right)
    log_temperature = torch.zeros(1, dtype=torch.double, requires_grad=True)
    _minimise(log_temperature, lambda: pair_losses(scores / log_temperature.exp(), mask).mean())
    return log_temperature.exp().item()


def fit_confidence(features: Floats, is_right: np.ndarray) -> tuple[float, float, float, float]:
    """Weights of a logistic regression and its intercept, lightly held to zero."""
    if not len(features):
        return DecodeSettings().confidence
    inputs = torch.from_numpy(np.concatenate([features, np.ones((len(features), 1))], axis=1)).double()
    targets = torch.from_numpy(is_right).double()
    weights = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.double, requires_grad=True)

    def loss() -> Tensor:
        fit = torch.nn.functional.binary_cross_entropy_with_logits(inputs @ weights, targets)
        return fit + 1e-4 * weights.square().sum()

    _minimise(weights, loss)
    stance, actor, target, intercept = weights.tolist()
    return stance, actor, target, intercept


def _minimise(weights: Tensor, loss: Callable[[], Tensor]) -> None:
    optimizer = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(step)
