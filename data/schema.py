"""A labelled article, whatever the form it was written in, and everything that can be wrong with one."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stancery.model.article import Article, Span
from stancery.model.errors import ArticleError
from stancery.model.labels import CODES_BY_STANCE, GROUP_OF_CLASS, GROUPS, KINDS, NONE
from stancery.model.sentences import split_sentences


@dataclass(frozen=True)
class GoldTriple:
    """A labelled pair of spans.

    Args:
        actor: where the actor stands in the text.
        stances: "one of these", from `labels.GROUPS`; usually one.
        target: where the target stands.
        code: PLOVER root code, or None where unknown.
        actor_entity: the name a reader would give the actor, or None.
        target_entity: the same for the target.
        kind: `participant`, `matter`, or None where unknown.
        extra: unknown keys of the row, kept.
    """

    actor: Span
    stances: tuple[str, ...]
    target: Span
    code: str | None = None
    actor_entity: str | None = None
    target_entity: str | None = None
    kind: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mention:
    """A span that means an entity and stands in no triple."""

    span: Span
    entity: str | None


@dataclass(frozen=True)
class GoldArticle:
    """An article with the labels that people gave it.

    Args:
        article: text, id, date and speaker.
        triples: every labelled pair, pairs labelled "none" among them.
        complete: whether all that is not listed is known to be none.
        sentences: where the sentences stand, or None to have them split.
        mentions: further participants, outside every triple.
        extra: unknown keys of the row, kept.
    """

    article: Article
    triples: tuple[GoldTriple, ...]
    complete: bool = True
    sentences: tuple[Span, ...] | None = None
    mentions: tuple[Mention, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def sentence_spans(self) -> list[Span]:
        """The sentences given, else those of `split_sentences`."""
        return list(self.sentences) if self.sentences is not None else split_sentences(self.article.text)


class Problem(NamedTuple):
    """What is wrong with a row and what to do; `triple` is its index in `stances`, or None."""

    message: str
    triple: int | None = None


_ROW_KEYS = ("id", "date", "speaker", "complete", "text", "sentences", "stances", "mentions")
_TRIPLE_KEYS = ("actor", "stance", "target", "code", "actor_entity", "target_entity", "kind")


def parse_row(row: object) -> GoldArticle | list[Problem]:
    """A row of the contract's JSON form as a labelled article, or all that is wrong with it."""
    if not isinstance(row, dict):
        return [Problem(f"expected an object, got {_show(row)}; write one article a line as {{...}}")]
    problems = [Problem(f"{key!r} is missing; add it") for key in ("id", "text", "stances") if key not in row]
    problems += _wrong_types(row)
    if problems:
        return problems
    text: str = row["text"]
    try:
        article = Article(text, row["id"], row.get("date"), row.get("speaker"))
    except ArticleError as error:
        return [Problem(str(error))]
    if not _is_utf8(row):
        return [Problem("a string of the row holds a lone surrogate; remove it or replace it by U+FFFD")]
    sentences = _spans(row["sentences"], "sentences", text, problems) if row.get("sentences") is not None else None
    triples = [_triple(item, n, text, problems) for n, item in enumerate(row["stances"])]
    mentions = [_mention(item, text, problems) for item in row.get("mentions") or []]
    if problems:
        return problems
    gold = GoldArticle(
        article,
        tuple(t for t in triples if t is not None),
        row.get("complete", True),
        None if sentences is None else tuple(sentences),
        tuple(m for m in mentions if m is not None),
        {key: value for key, value in row.items() if key not in _ROW_KEYS},
    )
    return _astray(gold) or gold


def to_row(gold: GoldArticle) -> dict[str, Any]:
    """The contract's JSON form; `parse_row` reads it back to an equal article."""
    article = gold.article
    row: dict[str, Any] = {"id": article.id}
    row |= {key: value for key in ("date", "speaker") if (value := getattr(article, key)) is not None}
    if not gold.complete:
        row["complete"] = False
    row["text"] = article.text
    if gold.sentences is not None:
        row["sentences"] = [list(span) for span in gold.sentences]
    row["stances"] = [_triple_row(triple) for triple in gold.triples]
    if gold.mentions:
        row["mentions"] = [[*mention.span, mention.entity] for mention in gold.mentions]
    return row | gold.extra


def _triple_row(triple: GoldTriple) -> dict[str, Any]:
    stance = triple.stances[0] if len(triple.stances) == 1 else list(triple.stances)
    row: dict[str, Any] = {"actor": list(triple.actor), "stance": stance, "target": list(triple.target)}
    names = ("code", "actor_entity", "target_entity", "kind")
    return row | {name: value for name in names if (value := getattr(triple, name)) is not None} | triple.extra


def _wrong_types(row: dict[str, Any]) -> list[Problem]:
    text, optional_text = "a string", "a string or null"
    expected: dict[str, tuple[tuple[type, ...], str]] = {
        "id": ((str,), text),
        "text": ((str,), text),
        "stances": ((list,), "a list"),
        "date": ((str, type(None)), optional_text),
        "speaker": ((str, type(None)), optional_text),
        "complete": ((bool,), "true or false"),
        "sentences": ((list, type(None)), "a list of [start, end]"),
        "mentions": ((list, type(None)), "a list of [start, end, name]"),
    }
    return [
        Problem(f"{key!r} is {_show(row[key])}; write {what}")
        for key, (types, what) in expected.items()
        if key in row and not isinstance(row[key], types)
    ]


def _span(value: object, name: str, text: str) -> Span | str:
    """The span, or what is wrong with it."""
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(type(x) is int for x in value)):
        return f"{name!r} is {_show(value)}; write [start, end] in characters"
    start, end = value
    if not 0 <= start < end <= len(text):
        return f"{name!r} {[start, end]} is empty or outside the text of {len(text)} characters; correct the offsets"
    return Span(start, end)


def _spans(values: list[object], name: str, text: str, problems: list[Problem]) -> list[Span]:
    spans: list[Span] = []
    for value in values:
        span = _span(value, name, text)
        if isinstance(span, str):
            problems.append(Problem(span))
        elif spans and span.start < spans[-1].end:
            problems.append(Problem(f"{name!r} {list(span)} begins before {list(spans[-1])} ends; list them in order"))
        else:
            spans.append(span)
    return spans


def _mention(item: object, text: str, problems: list[Problem]) -> Mention | None:
    if not (isinstance(item, list) and len(item) == 3 and isinstance(item[2], str | None)):
        problems.append(Problem(f"'mentions' holds {_show(item)}; write [start, end, name]"))
        return None
    span = _span(item[:2], "mentions", text)
    if isinstance(span, str):
        problems.append(Problem(span))
        return None
    return Mention(span, item[2])


def _triple(item: object, n: int, text: str, problems: list[Problem]) -> GoldTriple | None:
    if not isinstance(item, dict):
        problems.append(Problem(f"a stance is {_show(item)}; write an object with actor, stance and target", n))
        return None
    found = [f"{key!r} is missing in a stance; add it" for key in ("actor", "stance", "target") if key not in item]
    if found:
        problems += [Problem(message, n) for message in found]
        return None
    spans = {role: _span(item[role], role, text) for role in ("actor", "target")}
    found += [span for span in spans.values() if isinstance(span, str)]
    if not found and spans["actor"] == spans["target"]:
        found.append(f"actor and target are both {list(spans['actor'])}; they must be different participants")
    stances = tuple(item["stance"]) if isinstance(item["stance"], list) else (item["stance"],)
    if not stances or any(s not in GROUPS for s in stances) or len(set(stances)) < len(stances):
        found.append(f"stance {_show(item['stance'])} is unknown; write one or a list of {', '.join(GROUPS)}")
    else:
        found += _wrong_code(item.get("code"), stances)
    if item.get("kind") not in (None, *KINDS):
        found.append(f"kind {_show(item['kind'])} is unknown; write {' or '.join(KINDS)}")
    found += [
        f"{key!r} is {_show(item[key])}; write a name"
        for key in ("actor_entity", "target_entity")
        if not isinstance(item.get(key), str | None)
    ]
    problems += [Problem(message, n) for message in found]
    actor, target = spans["actor"], spans["target"]
    if found or isinstance(actor, str) or isinstance(target, str):
        return None
    entities = (item.get("code"), item.get("actor_entity"), item.get("target_entity"), item.get("kind"))
    extra = {key: value for key, value in item.items() if key not in _TRIPLE_KEYS}
    return GoldTriple(actor, stances, target, *entities, extra)


def _wrong_code(code: object, stances: Collection[str | None]) -> list[str]:
    if code is None or (isinstance(code, str) and code != NONE and GROUP_OF_CLASS.get(code) in stances):
        return []
    fitting = ", ".join(name for stance in stances if stance for name in CODES_BY_STANCE[stance])
    return [f"code {_show(code)} does not go with {' or '.join(map(str, stances))}; write one of {fitting}"]


def _astray(gold: GoldArticle) -> list[Problem]:
    """Triples whose spans lie in two sentences, or in none."""
    sentences, problems = gold.sentence_spans(), []
    for n, triple in enumerate(gold.triples):
        if not any(s.holds(triple.actor) and s.holds(triple.target) for s in sentences):
            actor, target = (gold.article.text[span.start : span.end] for span in (triple.actor, triple.target))
            problems.append(
                Problem(
                    f"actor {_show(actor)} at {list(triple.actor)} and target {_show(target)} at {list(triple.target)} "
                    "do not lie in the same sentence; point to mentions in one sentence, or list 'sentences'",
                    n,
                )
            )
    return problems


def _is_utf8(row: dict[str, Any]) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _show(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
