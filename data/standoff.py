"""Labels without their text: rows with offsets and the hash of the text that they belong to.

Third-party articles may not be kept here; labels that we made of them may. `join` puts the two together again.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stancery.data.schema import GoldArticle, parse_row, to_row
from stancery.model.errors import DataError


def to_standoff(gold: GoldArticle) -> dict[str, Any]:
    """The row without its text, with the text's length in characters and its SHA-256."""
    row = to_row(gold)
    text = row.pop("text")
    return row | {"characters": len(text), "sha256": text_sha256(text)}


def join(labels: Iterable[Path], texts: Path) -> list[GoldArticle]:
    """Labelled articles of stand-off rows and the texts that they were made of.

    Args:
        labels: files of stand-off rows, one a line.
        texts: a `.jsonl` of {"id", "text"}, or a folder of `ID.txt` as their authors publish them.

    Raises:
        DataError: lists every text that is missing or is another one than was labelled.
    """
    found = dict(_texts(texts))
    articles, problems = [], []
    for path in labels:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            row = json.loads(line)
            text = found.get(row["id"])
            if text is None:
                problems.append(f"{path}:{number}: no text for {row['id']!r} in {texts}; add it, or take the row out")
                continue
            text = clean(text)[: row.pop("characters")]
            if text_sha256(text) != row["sha256"]:
                problems.append(
                    f"{path}:{number}: the text of {row['id']!r} in {texts} is another one than was labelled (its "
                    "SHA-256 differs); fetch the original again"
                )
                continue
            parsed = parse_row(row | {"text": text})
            if isinstance(parsed, GoldArticle):
                articles.append(parsed)
            else:
                problems += [f"{path}:{number}: {problem.message}" for problem in parsed]
    if problems:
        raise DataError(problems)
    return articles


def clean(text: str) -> str:
    r"""As texts were cleaned before they were labelled: `\n` line ends, no URL as first line, no outer white space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    first, _, rest = text.partition("\n")
    return rest.strip() if first.startswith(("http://", "https://")) else text


def text_sha256(text: str) -> str:
    """SHA-256 of a text as UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_dir():
        for file in sorted(path.glob("*.txt")):
            yield file.stem, file.read_bytes().decode("utf-8")
    else:
        for line in path.read_bytes().decode("utf-8").split("\n"):
            if line.strip():
                row = json.loads(line)
                yield row["id"], row["text"]
