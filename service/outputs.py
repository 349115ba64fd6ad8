"""Labelled articles as text, in the forms that `stancery predict` prints."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stancery.model.article import Article, LabelledArticle, Triple
from stancery.model.folder import ModelInfo
from stancery.service.schema import article_answer

CSV_COLUMNS = (
    "id",
    "date",
    "sentence",
    "sentence_start",
    "actor",
    "actor_start",
    "actor_end",
    "stance",
    "code",
    "confidence",
    "target",
    "target_start",
    "target_end",
    "target_kind",
    "model_sha256",
)
_COLOURS = {"supports": "green", "pressures": "yellow", "condemns": "red"}
_WIDTH_UNLESS_TERMINAL = 120

Labelled = Iterable[LabelledArticle]


def write_json_lines(articles: Labelled, info: ModelInfo) -> Iterator[str]:
    """An article a line, each as `/predict` answers it."""
    for labelled in articles:
        yield article_answer(labelled, info).model_dump_json() + "\n"


def write_json(articles: Labelled, info: ModelInfo) -> Iterator[str]:
    """One article as `/predict` answers it, indented; several as a list of them."""
    answers = (article_answer(labelled, info).model_dump_json(indent=2) for labelled in articles)
    first = next(answers, None)
    second = next(answers, None)
    if second is None:
        yield f"{first or '[]'}\n"
        return
    yield f"[\n{first},\n{second}"
    for answer in answers:
        yield f",\n{answer}"
    yield "\n]\n"


def write_csv(articles: Labelled, info: ModelInfo) -> Iterator[str]:
    """A triple a row, under the columns of the contract."""
    yield _csv_line(CSV_COLUMNS)
    for labelled in articles:
        article = labelled.article
        for sentence in labelled.sentences:
            start, end = sentence.span
            for triple in sentence.triples:
                yield _csv_line(
                    (article.id, article.date, article.text[start:end], start)
                    + _triple_columns(article, triple)
                    + (info.sha256,)
                )


def write_labelled(articles: Labelled, info: ModelInfo) -> Iterator[str]:
    """A labelled article a line, as `stancery train` and the scorer read them."""
    for labelled in articles:
        article = labelled.article
        row: dict[str, Any] = {"id": article.id, "date": article.date}
        if article.speaker is not None:
            row["speaker"] = article.speaker
        row["text"] = article.text
        row["sentences"] = [list(sentence.span) for sentence in labelled.sentences]
        row["stances"] = [_labelled_triple(triple) for s in labelled.sentences for triple in s.triples]
        yield json.dumps(row, ensure_ascii=False) + "\n"


def write_table(articles: Labelled, info: ModelInfo) -> Iterator[str]:
    """A table an article, for people; with terminal colours."""
    for labelled in articles:
        yield _table(labelled)


FORMATS: dict[str, Callable[[Labelled, ModelInfo], Iterator[str]]] = {
    "table": write_table,
    "json": write_json,
    "jsonl": write_json_lines,
    "csv": write_csv,
    "labelled": write_labelled,
}


def _csv_line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _triple_columns(article: Article, triple: Triple) -> tuple[object, ...]:
    actor, target = (article.text[span.start : span.end] for span in (triple.actor, triple.target))
    return (
        *(actor, *triple.actor, triple.stance, triple.code, round(triple.confidence, 6)),
        *(target, *triple.target, triple.target_kind),
    )


def _labelled_triple(triple: Triple) -> dict[str, Any]:
    row: dict[str, Any] = {
        "actor": list(triple.actor),
        "stance": triple.stance,
        "target": list(triple.target),
        "code": triple.code,
    }
    names = {"actor_entity": triple.actor_entity, "target_entity": triple.target_entity}
    row |= {key: entity.name for key, entity in names.items() if entity is not None}
    return row | {"kind": triple.target_kind, "confidence": round(triple.confidence, 6)}


def _table(labelled: LabelledArticle) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    article, out = labelled.article, io.StringIO()
    width = shutil.get_terminal_size((_WIDTH_UNLESS_TERMINAL, 24)).columns
    console = Console(file=out, force_terminal=True, width=width)  # click takes the colours out again for a pipe
    count = sum(len(sentence.triples) for sentence in labelled.sentences)
    heading = f"{_printable(article.id or '')}: {count} stances in {len(labelled.sentences)} sentences"
    console.print(Text(heading, "bold"))
    if count:
        table = Table(expand=False)
        for name in ("actor", "stance", "target", "code", "sure", "sentence"):
            table.add_column(name, justify="right" if name == "sure" else "left", overflow="fold")
        for sentence in labelled.sentences:
            words = _printable(article.text[sentence.span.start : sentence.span.end])
            for n, triple in enumerate(sentence.triples):
                actor, target = (_printable(article.text[s.start : s.end]) for s in (triple.actor, triple.target))
                table.add_row(
                    Text(actor),
                    Text(triple.stance, _COLOURS[triple.stance]),
                    Text(target),
                    triple.code,
                    f"{triple.confidence:.2f}",
                    Text("" if n else words, "dim"),
                    end_section=n == len(sentence.triples) - 1,
                )
        console.print(table)
    return out.getvalue()


def _printable(text: str) -> str:
    """The text on one line, without what a terminal would obey."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())
