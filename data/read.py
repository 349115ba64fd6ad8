"""Labelled articles from files, in both written forms; everything that is wrong is reported at once."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stancery.data.markdown import parse_markdown
from stancery.data.schema import GoldArticle, Problem, parse_row
from stancery.model.errors import DataError


class Located(NamedTuple):
    """What stands at a line of a file: a row, or a problem that kept it from being read.

    Args:
        line: where it begins, from 1.
        row: in the contract's JSON form.
        triple_lines: the line of each triple, where they differ.
        problem: why there is no row.
    """

    line: int
    row: object = None
    triple_lines: tuple[int, ...] = ()
    problem: str | None = None


def read_articles(paths: Iterable[Path]) -> list[GoldArticle]:
    """All labelled articles of the files: `.md` holds one, `.jsonl` one a line; a folder, all of both.

    Raises:
        DataError: lists every problem of every file as `FILE:LINE: what, and what to do`.
    """
    articles: list[GoldArticle] = []
    problems: list[str] = []
    seen: dict[str, str] = {}
    for path in paths:
        for file in _files(path, problems):
            for gold, place in _read_file(file, problems):
                key = str(gold.article.id)
                if key in seen:
                    problems.append(f"{place}: id {key!r} stands at {seen[key]} already; give each article its own")
                seen[key] = place
                articles.append(gold)
    if problems:
        raise DataError(problems)
    return articles


def read_utf8(path: Path) -> str:
    """The text of a file as it stands; a carriage return belongs to it.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DataError([f"{path}: cannot be read ({error.strerror}); check the path"]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        raise DataError([f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"]) from None


def json_rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a JSON Lines file, with their lines.

    Raises:
        DataError: a line holds none.
    """
    rows = list(_json_rows(read_utf8(path)))
    problems = [
        f"{path}:{found.line}: {found.problem or 'no object; write one as {...}'}"
        for found in rows
        if found.problem or not isinstance(found.row, dict)
    ]
    if problems:
        raise DataError(problems)
    return [(found.line, found.row) for found in rows if isinstance(found.row, dict)]


def _files(path: Path, problems: list[str]) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix in (".md", ".jsonl"))
        if not found:
            problems.append(f"{path}: no .md or .jsonl file in this folder; name a folder or file with articles")
        return found
    if path.suffix not in (".md", ".jsonl"):
        problems.append(f"{path}: cannot tell its form by the ending {path.suffix!r}; use .jsonl or .md")
        return []
    return [path]


def _read_file(path: Path, problems: list[str]) -> Iterator[tuple[GoldArticle, str]]:
    try:
        content = read_utf8(path)
    except DataError as error:
        problems += error.problems
        return
    rows = _markdown_row(content) if path.suffix == ".md" else _json_rows(content)
    for located in rows:
        parsed = [Problem(located.problem)] if located.problem else parse_row(located.row)
        if isinstance(parsed, GoldArticle):
            yield parsed, f"{path}:{located.line}"
            continue
        for problem in sorted(parsed, key=lambda p: _line(located, p)):
            problems.append(f"{path}:{_line(located, problem)}: {problem.message}")


def _line(located: Located, problem: Problem) -> int:
    if problem.triple is None or problem.triple >= len(located.triple_lines):
        return located.line
    return located.triple_lines[problem.triple]


def _markdown_row(content: str) -> Iterator[Located]:
    parsed = parse_markdown(content)
    for line, message in parsed.problems:
        yield Located(line, problem=message)
    if not parsed.problems:
        yield Located(1, parsed.row, parsed.triple_lines)


def _json_rows(content: str) -> Iterator[Located]:
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield Located(number, json.loads(line, parse_constant=_refuse))
        except (ValueError, RecursionError) as error:
            yield Located(number, problem=f"not JSON ({error}); write one object a line")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")
