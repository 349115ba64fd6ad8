"""The JSON of requests and responses, field by field in the order of the contract."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from stancery.model.article import Entity, LabelledArticle, PairScores, Sentence, Span, Triple
from stancery.model.folder import ModelInfo

_EXAMPLE_TEXT = "Norway's foreign minister condemned the raid on Tuesday and urged Khartoum to protect aid workers."


def _refuse_surrogates(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PydanticCustomError(
            "lone_surrogate",
            "Holds a lone surrogate, U+{code}, at character {at}. Remove it or replace it by U+FFFD",
            {"code": f"{ord(text[error.start]):04X}", "at": error.start},
        ) from None
    return text


Text = Annotated[str, Field(strict=True), AfterValidator(_refuse_surrogates)]
Offset = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Threshold = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
StanceName = Literal["supports", "pressures", "condemns"]


class ArticleRequest(BaseModel):
    """One article to label. Unknown keys are ignored, so a row of labelled articles may be sent as it stands."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": _EXAMPLE_TEXT, "id": "oslo-raid", "date": "2024-05-14"}]}
    )

    text: Text = Field(description="The article. It is never normalised: offsets count its Unicode code points.")
    id: Text | None = Field(None, description="Your name for it; comes back with the answer.")
    date: Text | None = Field(None, description="Publication date, ISO 8601.")
    speaker: Text | None = Field(None, description="Who speaks, where the text is a speech or a statement.")
    threshold: Threshold | None = Field(None, description="Least confidence of a triple, instead of the model's own.")


class BatchRequest(BaseModel):
    """Several articles to label."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "articles": [
                        {"text": _EXAMPLE_TEXT, "id": "oslo-raid"},
                        {"text": "Lima welcomed the truce.", "id": "lima-truce", "threshold": 0.3},
                    ]
                }
            ]
        }
    )

    articles: list[ArticleRequest]


class PairRequest(BaseModel):
    """An actor and a target that you know."""

    text: Text
    actor: tuple[Offset, Offset] = Field(description="[start, end) of the actor in the text, in characters.")
    target: tuple[Offset, Offset] = Field(description="[start, end) of the target in the text, in characters.")


class PairsRequest(BaseModel):
    """Pairs to score."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"text": _EXAMPLE_TEXT, "actor": [0, 25], "target": [66, 74]}]}]}
    )

    items: list[PairRequest]


class ModelReference(BaseModel):
    """Which model gave an answer."""

    name: str
    version: str
    sha256: str


class EntityReference(BaseModel):
    """Whom a mention means."""

    id: str
    name: str
    country: str | None = Field(description="ISO 3166-1 alpha-3.")
    role: str | None = Field(description="GOV, MIL, OPP and so on.")


class EntityAnswer(EntityReference):
    """An entity with every place that means it."""

    mentions: list[tuple[int, int]]


class ActorAnswer(BaseModel):
    """Who holds the stance."""

    start: int
    end: int
    text: str
    entity: EntityReference | None


class TargetAnswer(BaseModel):
    """Toward whom or what the stance is taken."""

    start: int
    end: int
    text: str
    kind: Literal["participant", "matter"]
    entity: EntityReference | None


class StanceAnswer(BaseModel):
    """One triple."""

    actor: ActorAnswer
    stance: StanceName
    code: str = Field(description="PLOVER root code, one that implies the stance.")
    confidence: float = Field(description="Calibrated probability that span, stance and direction are right, 0 to 1.")
    target: TargetAnswer


class SentenceAnswer(BaseModel):
    """A sentence and its triples, surest first."""

    start: int
    end: int
    text: str
    stances: list[StanceAnswer]


class ArticleAnswer(BaseModel):
    """A labelled article."""

    id: str | None
    model: ModelReference
    sentences: list[SentenceAnswer]
    entities: list[EntityAnswer]


class BatchAnswer(BaseModel):
    """Labelled articles, in the order of the request."""

    articles: list[ArticleAnswer]


class PairAnswer(BaseModel):
    """Probabilities of one pair; each of the two sums to 1."""

    stances: dict[str, float] = Field(description="By none, supports, pressures, condemns.")
    codes: dict[str, float] = Field(description="By none, CONSULT, ASSAULT and the thirteen PLOVER root codes.")


class PairsAnswer(BaseModel):
    """Probabilities of each pair, in the order of the request."""

    items: list[PairAnswer]


class Labels(BaseModel):
    """What the model tells apart, in its order."""

    stances: list[str]
    codes: list[str]


class ModelAnswer(BaseModel):
    """The served model."""

    name: str
    version: str
    sha256: str = Field(description="SHA-256 of the weights, in hex.")
    labels: Labels
    base: str = Field(description="The encoder that it was fine-tuned from.")
    training_data: list[str]
    scores: dict[str, Any] = Field(description="Measured on held-out articles.")
    threshold: float = Field(description="Confidence from which a triple is given, unless the request says otherwise.")
    pairs_only: bool = Field(description="Whether it only serves /predict/pairs.")
    format_version: int


class StatusAnswer(BaseModel):
    """How the service is."""

    status: Literal["alive", "ready"]


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    pointer: str
    detail: str


class ProblemAnswer(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    pointer: str | None = Field(None, description="JSON pointer to the field that is wrong.")
    errors: list[FieldProblem] | None = Field(None, description="All fields that are wrong, where there are several.")


def article_answer(labelled: LabelledArticle, info: ModelInfo) -> ArticleAnswer:
    """A labelled article as `/predict` answers it."""
    text = labelled.article.text
    return ArticleAnswer(
        id=labelled.article.id,
        model=ModelReference(name=info.name, version=info.version, sha256=info.sha256),
        sentences=[_sentence_answer(sentence, text) for sentence in labelled.sentences],
        entities=[
            EntityAnswer(
                id=entity.id,
                name=entity.name,
                country=entity.country,
                role=entity.role,
                mentions=[(span.start, span.end) for span in entity.mentions],
            )
            for entity in labelled.entities
        ],
    )


def pairs_answer(scores: list[PairScores]) -> PairsAnswer:
    """Scores of pairs as `/predict/pairs` answers them."""
    return PairsAnswer(items=[PairAnswer(stances=pair.stances, codes=pair.codes) for pair in scores])


def model_answer(info: ModelInfo, threshold: float | None) -> ModelAnswer:
    """The model as `GET /model` answers it, with the service's threshold where one is set."""
    return ModelAnswer(
        name=info.name,
        version=info.version,
        sha256=info.sha256,
        labels=Labels(stances=list(info.stances), codes=list(info.codes)),
        base=info.base,
        training_data=info.training_data,
        scores=info.scores,
        threshold=info.threshold if threshold is None else threshold,
        pairs_only=info.pairs_only,
        format_version=info.format_version,
    )


def _sentence_answer(sentence: Sentence, text: str) -> SentenceAnswer:
    start, end = sentence.span
    stances = [_stance_answer(triple, text) for triple in sentence.triples]
    return SentenceAnswer(start=start, end=end, text=text[start:end], stances=stances)


def _stance_answer(triple: Triple, text: str) -> StanceAnswer:
    values = {
        "actor": {**_span_values(triple.actor, text), "entity": _entity_reference(triple.actor_entity)},
        "stance": triple.stance,
        "code": triple.code,
        # Six places: float32 holds no more.
        "confidence": round(triple.confidence, 6),
        "target": {
            **_span_values(triple.target, text),
            "kind": triple.target_kind,
            "entity": _entity_reference(triple.target_entity),
        },
    }
    return StanceAnswer.model_validate(values)


def _span_values(span: Span, text: str) -> dict[str, object]:
    return {"start": span.start, "end": span.end, "text": text[span.start : span.end]}


def _entity_reference(entity: Entity | None) -> EntityReference | None:
    if entity is None:
        return None
    return EntityReference(id=entity.id, name=entity.name, country=entity.country, role=entity.role)
