"""Everything that labelling an article needs, without torch."""

from stancery.model.article import Article, LabelledArticle, PairScores, Sentence, Span, Triple
from stancery.model.classifier import Classifier
from stancery.model.errors import StanceryError

__all__ = ["Article", "Classifier", "LabelledArticle", "PairScores", "Sentence", "Span", "StanceryError", "Triple"]
