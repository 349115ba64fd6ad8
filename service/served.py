"""The model that requests use, from loading to shutdown."""

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby

from stancery.model.article import Article, LabelledArticle, PairScores, Span
from stancery.model.classifier import Classifier
from stancery.model.errors import ArticleError, StanceryError
from stancery.service.problems import Problem
from stancery.service.schema import ArticleRequest, PairRequest
from stancery.service.settings import Settings

_log = logging.getLogger("stancery.service")

WARM_UP = Article("Norway condemned the raid on Tuesday and urged Khartoum to protect aid workers.")
_WARM_UP_PAIR = (WARM_UP.text, Span(0, 6), Span(47, 55))


class ServedModel:
    """A classifier that may still be loading, with the limits of the service around it.

    Args:
        settings: which model, and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.failure: Exception | None = None
        self._classifier: Classifier | None = None
        self._is_closed = False

    def load(self) -> None:
        """Load and warm the model; blocks for about a second. What goes wrong is kept in `failure`."""
        try:
            classifier = Classifier.load(self.settings.model, self.settings.threads)
            if not classifier.info.pairs_only:
                classifier.label(WARM_UP)
            classifier.score_pairs([_WARM_UP_PAIR])
        except StanceryError as error:
            self.failure = error
            _log.error("%s", error)
        except Exception as error:
            self.failure = error
            _log.exception("the model cannot be loaded")
        else:
            self._classifier = classifier

    def close(self) -> None:
        """Serve no further request."""
        self._is_closed = True

    @property
    def classifier(self) -> Classifier:
        """The loaded classifier.

        Raises:
            Problem: 503, it is not ready to label.
        """
        if self._is_closed:
            raise Problem(503, "The service is shutting down. Ask another, or try again later.")
        if self.failure is not None:
            raise Problem(503, "The model could not be loaded; the log of the service tells why.")
        if self._classifier is None:
            raise Problem(503, "The model is still loading. Try again in a few seconds.", headers={"Retry-After": "2"})
        return self._classifier

    def label(self, requests: Iterable[tuple[str, ArticleRequest]]) -> Iterator[LabelledArticle]:
        """The articles labelled, in order; blocks.

        Args:
            requests: each with the JSON pointer to it.

        Raises:
            ArticleError: an article is too long or cannot be used; the pointer leads to it in the request.
        """
        classifier = self.classifier
        # All are checked before the first is labelled.
        articles = [(self._threshold(request), self._article(pointer, request)) for pointer, request in requests]
        for threshold, run in groupby(articles, key=lambda pair: pair[0]):
            yield from classifier.label_all((article for _, article in run), threshold)

    def score_pairs(self, requests: Iterable[PairRequest]) -> list[PairScores]:
        """Probabilities of each pair; blocks.

        Raises:
            ArticleError: a text or a span cannot be used; the pointer leads to it in the request.
        """
        items = []
        for n, request in enumerate(requests):
            self._check_length(f"/items/{n}", request.text)
            items.append((request.text, Span(*request.actor), Span(*request.target)))
        return self.classifier.score_pairs(items)

    def _threshold(self, request: ArticleRequest) -> float | None:
        return self.settings.threshold if request.threshold is None else request.threshold

    def _article(self, pointer: str, request: ArticleRequest) -> Article:
        self._check_length(pointer, request.text)
        try:
            return Article(request.text, request.id, request.date, request.speaker)
        except ArticleError as error:
            raise ArticleError(str(error), pointer + error.pointer) from None

    def _check_length(self, pointer: str, text: str) -> None:
        if len(text) > self.settings.max_article_characters:
            raise ArticleError(
                f"The text has {len(text)} characters, more than {self.settings.max_article_characters}. "
                "Send it in parts, or raise STANCERY_MAX_ARTICLE_CHARACTERS.",
                f"{pointer}/text",
            )
