"""Articles from files and standard input, in the forms that `stancery predict` reads."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from stancery.data.markdown import parse_markdown
from stancery.model.article import Article
from stancery.model.errors import ArticleError, DataError

STDIN = "-"
_FIELDS = ("id", "date", "speaker")


def read_inputs(names: Sequence[str], stdin_is_json_lines: bool = False) -> Iterator[Article]:
    """The articles of all files, in order, read as they are needed.

    Args:
        names: paths, or `-` for standard input.
        stdin_is_json_lines: whether `-` holds an article a line; else it is plain text.

    Raises:
        DataError: a name is no file that can be read, before any is read; or, later, what it holds is no article.
    """
    problems = [problem for name in names if name != STDIN and (problem := _unreadable(Path(name)))]
    if problems:
        raise DataError(problems)
    return _read_all(names, stdin_is_json_lines)


def _unreadable(path: Path) -> str | None:
    if path.is_dir():
        return f"{path}: is a folder; name the files in it, such as {path / '*.txt'}"
    if not path.exists():
        return f"{path}: there is no such file; check the path"
    if path.suffix.lower() not in _READERS:
        shown = f"the ending {path.suffix!r}" if path.suffix else "a name without ending"
        return f"{path}: {shown} tells no form; use {', '.join(_READERS)}, or pipe plain text to `stancery predict -`"
    return None


def _read_all(names: Sequence[str], stdin_is_json_lines: bool) -> Iterator[Article]:
    for name in names:
        if name == STDIN:
            if sys.stdin is None:
                raise DataError(["stdin: is closed; pipe an article into it, or name a file"])
            read = _read_json_lines if stdin_is_json_lines else _read_text
            yield from _some(read(sys.stdin.buffer, "stdin", "stdin"), "stdin")
            continue
        path = Path(name)
        try:
            with path.open("rb") as file:
                yield from _some(_READERS[path.suffix.lower()](file, str(path), path.stem), str(path))
        except OSError as error:
            raise DataError([f"{path}: cannot be read ({error.strerror}); check the file and its rights"]) from None


def _some(articles: Iterable[Article], place: str) -> Iterator[Article]:
    """The articles; that there are none is an error."""
    is_empty = True
    for article in articles:
        is_empty = False
        yield article
    if is_empty:
        raise DataError([f"{place}: is empty; put an article into it"])


def _read_text(file: BinaryIO, place: str, stem: str) -> Iterator[Article]:
    text = _decode(file.read(), place)
    if text.strip():
        yield Article(text, stem)


def _read_markdown(file: BinaryIO, place: str, stem: str) -> Iterator[Article]:
    text = _decode(file.read(), place)
    parsed = parse_markdown(text)
    if "id" not in parsed.row:  # not one of ours: prose, with or without front matter
        if text.strip():
            yield Article(text, stem)
        return
    if parsed.problems:
        raise DataError([f"{place}:{line}: {message}" for line, message in parsed.problems])
    yield _article(parsed.row, f"{place}:1", stem)


def _read_html(file: BinaryIO, place: str, stem: str) -> Iterator[Article]:
    from stancery.service.webpage import webpage_text  # only here: the parser takes long to import

    text = webpage_text(file.read(), place)
    if text:
        yield Article(text, stem)


def _read_json(file: BinaryIO, place: str, stem: str) -> Iterator[Article]:
    content = _decode(file.read(), place)
    if not content.strip():
        return
    value = _parse(content, place)
    if not isinstance(value, list):
        yield _article(value, place, stem)
        return
    for number, item in enumerate(value, 1):
        yield _article(item, f"{place}: article {number}", f"{stem}-{number}")


def _read_json_lines(file: BinaryIO, place: str, stem: str) -> Iterator[Article]:
    for number, line in enumerate(file, 1):
        if line.strip():
            here = f"{place}:{number}"
            yield _article(_parse(_decode(line, here), here), here, f"{stem}-{number}")


_READERS: dict[str, Callable[[BinaryIO, str, str], Iterator[Article]]] = {
    ".txt": _read_text,
    ".md": _read_markdown,
    ".html": _read_html,
    ".htm": _read_html,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
}


def _decode(content: bytes, place: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte 0x{content[error.start]:02x} at {error.start}"
        message = f"{place}: {byte} is not UTF-8; save it as text in UTF-8 (is it a text file at all?)"
        raise DataError([message]) from None
    if "\0" in text:
        raise DataError([f"{place}: holds a NUL character at {text.index(chr(0))}; it is binary, give a text file"])
    return text


def _parse(content: str, place: str) -> object:
    try:
        value: object = json.loads(content, parse_constant=_refuse)
    except RecursionError:
        raise DataError([f"{place}: is nested too deep; write an object with the key 'text'"]) from None
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in content.strip() else ""
        raise DataError([f"{place}: not JSON ({error.msg} at {line}column {error.colno}); correct it there"]) from None
    except ValueError as error:  # NaN, or an integer of thousands of digits
        raise DataError([f"{place}: not JSON ({str(error)[:100]}); write finite numbers"]) from None
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _article(value: object, place: str, fallback_id: str) -> Article:
    if not isinstance(value, dict):
        raise DataError([f"{place}: holds {_kind(value)}; write an object with the key 'text'"])
    if not isinstance(value.get("text"), str):
        found = f"'text' is {_kind(value['text'])}" if "text" in value else "'text' is missing"
        raise DataError([f"{place}: {found}; give the article as a string"])
    for key in _FIELDS:
        if not isinstance(value.get(key), str | None):
            raise DataError([f"{place}: {key!r} is {_kind(value[key])}; write a string, or leave it out"])
    fields = {key: value.get(key) for key in _FIELDS}
    for key, field in fields.items():
        if field is not None and any("\ud800" <= character <= "\udfff" for character in field):
            raise DataError([f"{place}: {key!r} holds a lone surrogate; remove it or replace it by U+FFFD"])
    try:
        return Article(value["text"], fields["id"] or fallback_id, fields["date"], fields["speaker"])
    except ArticleError as error:
        raise DataError([f"{place}: {error}"]) from None


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
