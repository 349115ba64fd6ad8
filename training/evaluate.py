"""How right a model is: F1 of triples from strict to lenient, with bootstrap intervals over articles."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from stancery.data.schema import GoldArticle, GoldTriple
from stancery.model.article import LabelledArticle, Span, Triple
from stancery.model.classifier import Classifier
from stancery.model.labels import NONE, STANCES

# Characters by which one span may outgrow the other that it holds: a title, an article, "the government of".
SLACK = 30

SCORES = ("triple_exact", "triple", "actor_stance", "stance", *(str(s) for s in STANCES), "code")

Counts = np.ndarray  # int64 (articles, scores, 3): hits, gold, predicted


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 of one count, 0 to 1, with the 95% interval of F1."""

    precision: float
    recall: float
    f1: float
    low: float
    high: float
    gold: int
    predicted: int


def predict(
    classifier: Classifier, articles: Sequence[GoldArticle], threshold: float | None = None
) -> list[LabelledArticle]:
    """The articles labelled by the classifier, split by its own splitter."""
    return list(classifier.label_all([gold.article for gold in articles], threshold))


def evaluate(articles: Sequence[GoldArticle], predicted: Sequence[LabelledArticle]) -> dict[str, Score]:
    """Every score of `SCORES`, micro-averaged over the articles; `code` counts matched triples only."""
    counts = np.array([article_counts(g, triples_of(p)) for g, p in zip(articles, predicted, strict=True)])
    return summarise(counts)


def complete(articles: Sequence[GoldArticle]) -> list[GoldArticle]:
    """The articles of which every stance is labelled: only they can tell what is wrong."""
    return [gold for gold in articles if gold.complete]


def triples_of(labelled: LabelledArticle) -> list[Triple]:
    """All triples of an article."""
    return [triple for sentence in labelled.sentences for triple in sentence.triples]


def summarise(counts: Counts, resamples: int = 2000) -> dict[str, Score]:
    """Scores of the summed counts; the interval is of F1 over resampled articles (percentile bootstrap)."""
    totals = counts.sum(axis=0)
    picks = np.random.default_rng(0).integers(0, len(counts), (resamples, len(counts)))
    drawn = np.quantile(_f1(counts[picks].sum(axis=1)), [0.025, 0.975], axis=0)
    f1 = _f1(totals)
    return {
        name: Score(
            precision=_ratio(totals[n, 0], totals[n, 2]),
            recall=_ratio(totals[n, 0], totals[n, 1]),
            f1=float(f1[n]),
            low=float(drawn[0, n]),
            high=float(drawn[1, n]),
            gold=int(totals[n, 1]),
            predicted=int(totals[n, 2]),
        )
        for n, name in enumerate(SCORES)
    }


def best_threshold(articles: Sequence[GoldArticle], predicted: Sequence[LabelledArticle]) -> tuple[float, float]:
    """The threshold of best triple F1, and that F1; `predicted` was labelled with a low threshold."""
    best = (0.5, -1.0)
    for threshold in np.arange(0.05, 0.951, 0.025).round(3).tolist():
        counts = sum(
            _match_counts([t for t in triples_of(p) if t.confidence >= threshold], gold_stances(g), agreeing)
            for g, p in zip(articles, predicted, strict=True)
        )
        if (f1 := float(_f1(np.asarray(counts)))) > best[1]:
            best = (threshold, f1)
    return best


def gold_stances(gold: GoldArticle) -> list[GoldTriple]:
    """The triples that a model should find."""
    return [triple for triple in gold.triples if triple.stances != (NONE,)]


def article_counts(gold: GoldArticle, predicted: Sequence[Triple]) -> Counts:
    """Hits, gold and predicted of every score, int64 (scores, 3)."""
    triples, sentences = gold_stances(gold), gold.sentence_spans()
    rows = {
        "triple_exact": _match_counts(predicted, triples, _exact),
        "triple": _match_counts(predicted, triples, agreeing),
        "actor_stance": _holder_counts(predicted, triples, sentences),
        "stance": _stance_counts(predicted, triples, sentences),
        "code": _code_counts(predicted, triples),
    }
    for stance in STANCES:
        rows[stance] = _match_counts(
            [t for t in predicted if t.stance == stance], [t for t in triples if stance in t.stances], agreeing
        )
    return np.stack([rows[name] for name in SCORES])


def agree(a: Span, b: Span) -> bool:
    """Whether two spans mean the same: one holds the other and is little longer, or they overlap by half."""
    both = min(a.end, b.end) - max(a.start, b.start)
    if both <= 0:
        return False
    shorter, longer = sorted((a.end - a.start, b.end - b.start))
    return (both == shorter and longer - shorter <= SLACK) or 2 * both >= shorter + longer - both


def agreeing(gold: GoldTriple, triple: Triple) -> bool:
    """Whether a predicted triple is right: stance, direction, and spans that agree."""
    return triple.stance in gold.stances and agree(gold.actor, triple.actor) and agree(gold.target, triple.target)


def _exact(gold: GoldTriple, triple: Triple) -> bool:
    return triple.stance in gold.stances and (gold.actor, gold.target) == (triple.actor, triple.target)


def matching(
    predicted: Sequence[Triple], gold: Sequence[GoldTriple], same: Callable[[GoldTriple, Triple], bool]
) -> dict[int, int]:
    """One-to-one matches, predicted to gold: maximum bipartite matching by augmenting paths (Kuhn 1955)."""
    owner: dict[int, int] = {}

    def place(i: int, seen: set[int]) -> bool:
        for j, triple in enumerate(predicted):
            if j not in seen and same(gold[i], triple):
                seen.add(j)
                if j not in owner or place(owner[j], seen):
                    owner[j] = i
                    return True
        return False

    for i in range(len(gold)):
        place(i, set())
    return owner


def _match_counts(
    predicted: Sequence[Triple], gold: Sequence[GoldTriple], same: Callable[[GoldTriple, Triple], bool]
) -> np.ndarray:
    return np.array([len(matching(predicted, gold, same)), len(gold), len(predicted)])


def _code_counts(predicted: Sequence[Triple], gold: Sequence[GoldTriple]) -> np.ndarray:
    matched = matching(predicted, gold, agreeing).items()
    coded = [(predicted[j].code, gold[i].code) for j, i in matched if gold[i].code is not None]
    return np.array([sum(a == b for a, b in coded), len(coded), len(coded)])


def _holder_counts(predicted: Sequence[Triple], gold: Sequence[GoldTriple], sentences: Sequence[Span]) -> np.ndarray:
    """The stance and its actor, once per sentence; the target is ignored."""

    def once(holders: list[tuple[str, Span, int]]) -> list[tuple[str, Span, int]]:
        kept: list[tuple[str, Span, int]] = []
        for stance, actor, where in holders:
            if not any(k[0] == stance and k[2] == where and agree(k[1], actor) for k in kept):
                kept.append((stance, actor, where))
        return kept

    wanted = once([(t.stances[0], t.actor, sentence_of(sentences, t.actor)) for t in gold])
    found = once([(t.stance, t.actor, sentence_of(sentences, t.actor)) for t in predicted])
    # The same matching, over holders instead of triples.
    as_gold = [GoldTriple(actor, (stance,), Span(where, where + 1)) for stance, actor, where in wanted]
    as_found = [Triple(actor, stance, Span(where, where + 1), "", 1.0, "") for stance, actor, where in found]
    return _match_counts(as_found, as_gold, agreeing)


def _stance_counts(predicted: Sequence[Triple], gold: Sequence[GoldTriple], sentences: Sequence[Span]) -> np.ndarray:
    wanted: set[Hashable] = {(t.stances[0], sentence_of(sentences, t.actor)) for t in gold}
    found: set[Hashable] = {(t.stance, sentence_of(sentences, t.actor)) for t in predicted}
    return np.array([len(wanted & found), len(wanted), len(found)])


def sentence_of(sentences: Sequence[Span], span: Span) -> int:
    """Index of the sentence in which the span's middle lies, -1 where it lies in none."""
    middle = (span.start + span.end) / 2
    return next((n for n, sentence in enumerate(sentences) if sentence.start <= middle < sentence.end), -1)


def _f1(counts: np.ndarray) -> np.ndarray:
    hits, both = counts[..., 0], counts[..., 1] + counts[..., 2]
    return np.divide(2 * hits, both, out=np.zeros(np.shape(hits)), where=both > 0)


def _ratio(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0
