"""The one way in: `Classifier.load(folder).label(article)`."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stancery.model.article import Article, LabelledArticle, PairScores, Sentence, Span, Triple
from stancery.model.decode import (
    candidate_pairs,
    class_probabilities,
    decode,
    group_probabilities,
)
from stancery.model.encode import Window, WindowEncoder
from stancery.model.errors import ArticleError, ModelError
from stancery.model.folder import ModelConfig, ModelInfo, open_folder
from stancery.model.labels import CLASSES, GROUPS
from stancery.model.runtime import OnnxRuntime, Runtime
from stancery.model.sentences import split_sentences

DEFAULT_MODEL = Path(__file__).parent / "default"

Found = list[tuple[int, Triple]]


@dataclass
class _Work:
    article: Article
    sentences: list[Span]
    windows: list[Future[Found]]


class Classifier:
    """Labels articles with one model. Its methods may be called from several threads at once.

    Args:
        runtime: what scores windows.
        encoder: what cuts articles into windows.
        config: labels, calibration and description of the model.
        threads: windows that are scored side by side; by default as many as this process may use cores.
    """

    def __init__(
        self, runtime: Runtime, encoder: WindowEncoder, config: ModelConfig, threads: int | None = None
    ) -> None:
        self.config = config
        self._runtime, self._encoder = runtime, encoder
        self._threads = threads or _usable_cores()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="stancery")

    @classmethod
    def load(cls, folder: str | Path | None = None, threads: int | None = None) -> "Classifier":
        """Open a model folder; None is the shipped model.

        Raises:
            ModelError: the folder is missing, incomplete, altered or of another format version.
        """
        opened = open_folder(Path(folder) if folder else DEFAULT_MODEL)
        config = opened.config
        encoder = WindowEncoder(opened.tokenizer, config.max_tokens, config.context_tokens)
        return cls(OnnxRuntime(opened.path), encoder, config, threads)

    @property
    def info(self) -> ModelInfo:
        """Name, version, hash, labels and scores of the model."""
        return self.config.info

    def label(self, article: Article, threshold: float | None = None) -> LabelledArticle:
        """Every sentence of the article with its triples.

        Args:
            article: any text; an over-long sentence is labelled in pieces.
            threshold: least confidence, 0 to 1, instead of the model's own.

        Raises:
            ModelError: the model was trained on given pairs alone and cannot find spans.
        """
        return next(self.label_all([article], threshold))

    def label_all(self, articles: Iterable[Article], threshold: float | None = None) -> Iterator[LabelledArticle]:
        """The articles labelled, in order, read only a little ahead; see `label`."""
        if self.info.pairs_only:
            raise ModelError(
                f"Model {self.info.name!r} was trained on partial rows alone, so it cannot find actors and targets. "
                "Score pairs that you know (/predict/pairs), or train it on complete articles."
            )
        waiting: deque[_Work] = deque()
        for article in articles:
            waiting.append(self._begin(article, threshold))
            while sum(len(work.windows) for work in waiting) > 4 * self._threads and len(waiting) > 1:
                yield self._finish(waiting.popleft())
        while waiting:
            yield self._finish(waiting.popleft())

    def score_pairs(self, items: Sequence[tuple[str, Span, Span]]) -> list[PairScores]:
        """Probabilities of what each actor takes toward its target.

        Args:
            items: text, the actor's span, the target's span. The pair is read in its sentence; where the two lie in
                two sentences, in the text from the one to the other.

        Raises:
            ArticleError: a span is empty, out of range, overlaps the other, or is too far away; names the item.
        """
        futures = [self._pool.submit(self._score_pair, n, *item) for n, item in enumerate(items)]
        return [future.result() for future in futures]

    def _begin(self, article: Article, threshold: float | None) -> _Work:
        sentences = split_sentences(article.text)
        windows = self._encoder.windows(article.text, sentences)
        return _Work(article, sentences, [self._pool.submit(self._label_window, w, threshold) for w in windows])

    def _label_window(self, window: Window, threshold: float | None) -> Found:
        states, span_logits = self._runtime.encode(window.ids, window.casing)
        candidates = candidate_pairs(window, span_logits, self.config.decode)
        if not len(candidates.pairs):
            return []
        pair_logits, matter_logits = self._runtime.score_pairs(states, candidates.pairs)
        return decode(window, candidates, pair_logits, matter_logits, self.config.decode, threshold)

    def _finish(self, work: _Work) -> LabelledArticle:
        triples: list[list[Triple]] = [[] for _ in work.sentences]
        for window in work.windows:
            for sentence, triple in window.result():
                triples[sentence].append(triple)
        labelled = zip(work.sentences, triples, strict=True)
        return LabelledArticle(work.article, tuple(Sentence(span, tuple(found)) for span, found in labelled))

    def _score_pair(self, item: int, text: str, actor: Span, target: Span) -> PairScores:
        _check_pair(item, text, actor, target)
        window = self._window_of_pair(text, actor, target)
        pair = window.pair(actor, target) if window else None
        if window is None or pair is None:
            raise ArticleError(
                f"Actor {list(actor)} and target {list(target)} lie further apart than the model reads at once, or "
                "hold no word. Give a shorter text that holds both.",
                pointer=f"/items/{item}",
            )
        states, _ = self._runtime.encode(window.ids, window.casing)
        logits, _ = self._runtime.score_pairs(states, pair)
        classes = class_probabilities(logits, self.config.decode.temperature)
        groups = group_probabilities(classes)
        return PairScores(
            stances=dict(zip(GROUPS, map(float, groups[0]), strict=True)),
            codes=dict(zip(CLASSES, map(float, classes[0]), strict=True)),
        )

    def _window_of_pair(self, text: str, actor: Span, target: Span) -> Window | None:
        Article(text)  # refuses lone surrogates
        begin, end = min(actor.start, target.start), max(actor.end, target.end)
        sentences: list[Span] = []
        for span in split_sentences(text):
            if sentences and span.start < end and sentences[-1].end > begin:
                sentences[-1] = Span(sentences[-1].start, span.end)
            else:
                sentences.append(span)
        windows = self._encoder.windows(text, sentences)
        return next((window for window in windows if window.pair(actor, target) is not None), None)


def _usable_cores() -> int:
    # Where the system has no affinity (macOS), every core is ours.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_pair(item: int, text: str, actor: Span, target: Span) -> None:
    for role, span in (("actor", actor), ("target", target)):
        if not 0 <= span.start < span.end <= len(text):
            raise ArticleError(
                f"The {role} {list(span)} is empty or outside the text of {len(text)} characters. Correct the offsets.",
                pointer=f"/items/{item}/{role}",
            )
    if actor.overlaps(target):
        raise ArticleError(
            f"Actor {list(actor)} and target {list(target)} overlap. Give two different participants.",
            pointer=f"/items/{item}/target",
        )
