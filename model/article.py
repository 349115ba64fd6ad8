"""What goes in and what comes out: articles, sentences, spans, triples.

Every offset counts Unicode code points of the article's text, end exclusive.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from stancery.model.errors import ArticleError


class Span(NamedTuple):
    """Characters `start` to `end` (exclusive) of an article's text."""

    start: int
    end: int

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: "Span") -> bool:
        """Whether the other lies wholly within this one."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Article:
    """One news article as it goes in.

    Args:
        text: the article; any Unicode text without lone surrogates.
        id: the caller's name for it.
        date: publication date, ISO 8601.
        speaker: who speaks, where the text is a speech or a statement.

    Raises:
        ArticleError: `text` holds a lone surrogate, which no UTF-8 can carry.
    """

    text: str
    id: str | None = None
    date: str | None = None
    speaker: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no tokenizer can read."""
        try:
            self.text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ArticleError(
                f"The text holds a lone surrogate, U+{ord(self.text[error.start]):04X}, at character {error.start}. "
                "Remove it or replace it by U+FFFD.",
                pointer="/text",
            ) from None


@dataclass(frozen=True, slots=True)
class Entity:
    """Whom a mention means.

    Args:
        id: a slug, unique within the article.
        name: the name a reader would give it.
        country: ISO 3166-1 alpha-3, or None.
        role: GOV, MIL, OPP and so on, or None.
        mentions: every place that means it, in order.
    """

    id: str
    name: str
    country: str | None = None
    role: str | None = None
    mentions: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Triple:
    """One stance of an actor toward a target, within one sentence.

    Args:
        actor: where the actor stands in the text.
        stance: one of `labels.STANCES`.
        target: where the target stands in the text.
        code: PLOVER root code, one that implies the stance.
        confidence: calibrated probability that span, stance and direction are right, 0 to 1.
        target_kind: `participant` or `matter`.
    """

    actor: Span
    stance: str
    target: Span
    code: str
    confidence: float
    target_kind: str
    actor_entity: Entity | None = None
    target_entity: Entity | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, where it stands in the text, and the triples in it, best first."""

    span: Span
    triples: tuple[Triple, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledArticle:
    """An article with its sentences and their triples, as the classifier labels it."""

    article: Article
    sentences: tuple[Sentence, ...]
    entities: tuple[Entity, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PairScores:
    """Probabilities of one ordered pair of spans; each dict sums to 1.

    Args:
        stances: by `none`, `supports`, `pressures`, `condemns`.
        codes: by the names of `labels.CLASSES`.
    """

    stances: dict[str, float]
    codes: dict[str, float]
