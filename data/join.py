"""Labels without their text: rows with offsets and the hash of the text that they belong to.

Third-party articles may not be kept here; labels that we made of them may. `join_texts` puts the two together again.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from stancery.data.read import json_rows, read_utf8
from stancery.data.schema import GoldArticle, parse_row, to_row
from stancery.model.errors import DataError


def to_standoff(gold: GoldArticle) -> dict[str, Any]:
    """The row without its text, with the text's length in characters and its SHA-256."""
    row = to_row(gold)
    text = row.pop("text")
    return row | {"characters": len(text), "sha256": text_sha256(text)}


def join_texts(labels: Iterable[Path], texts: Sequence[Path]) -> list[GoldArticle]:
    """Labelled articles of stand-off rows and the texts that they were made of.

    Args:
        labels: files of stand-off rows, one a line.
        texts: each a `.jsonl` of {"id", "text"}, or a folder of `ID.txt` as their authors publish them. A row takes
            the whole text that has its hash, else the beginning of the one that has its id.

    Raises:
        DataError: lists every text that is missing or is another one than was labelled.
    """
    originals = [item for path in texts for item in _texts(path)]
    by_id, by_hash = dict(originals), {text_sha256(text): text for _, text in originals}
    where = " or ".join(map(str, texts))
    articles, problems = [], []
    for path in labels:
        for number, row in json_rows(path):
            joined = _join(row, by_id, by_hash, where)
            if isinstance(joined, GoldArticle):
                articles.append(joined)
            else:
                problems += [f"{path}:{number}: {problem}" for problem in joined]
    if problems:
        raise DataError(problems)
    return articles


def _join(row: dict[str, Any], by_id: dict[str, str], by_hash: dict[str, str], where: str) -> GoldArticle | list[str]:
    if missing := {"id", "characters", "sha256"} - set(row):
        return [f"no stand-off row: {', '.join(sorted(missing))} missing; write rows as data/standoff has them"]
    labels = {key: value for key, value in row.items() if key not in ("characters", "sha256")}
    if not (isinstance(row["id"], str) and isinstance(row["sha256"], str) and isinstance(row["characters"], int)):
        return [
            "no stand-off row: id and sha256 are strings, characters a number; write rows as data/standoff has them"
        ]
    original = by_hash.get(row["sha256"], by_id.get(row["id"]))
    if original is None:
        return [f"no text for {row['id']!r} in {where}; add it, or take the row out"]
    text = original[: row["characters"]]
    if text_sha256(text) != row["sha256"]:
        return [
            f"the text of {row['id']!r} in {where} is another one than was labelled (its SHA-256 differs); fetch the "
            "original again"
        ]
    parsed = parse_row(labels | {"text": text})
    return parsed if isinstance(parsed, GoldArticle) else [problem.message for problem in parsed]


def clean(text: str) -> str:
    r"""As texts were cleaned before they were labelled: `\n` line ends, no URL as first line, no outer white space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    first, _, rest = text.partition("\n")
    return rest.strip() if first.startswith(("http://", "https://")) else text


def text_sha256(text: str) -> str:
    """SHA-256 of a text as UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _texts(path: Path) -> list[tuple[str, str]]:
    """Ids and texts, cleaned."""
    if path.is_dir():
        return [(file.stem, clean(read_utf8(file))) for file in sorted(path.glob("*.txt"))]
    rows = json_rows(path)
    problems = [
        f"{path}:{n}: 'id' or 'text' is missing, or no string that UTF-8 can hold; correct it"
        for n, row in rows
        if not all(_is_utf8(row.get(key)) for key in ("id", "text"))
    ]
    if problems:
        raise DataError(problems)
    return [(row["id"], clean(row["text"])) for _, row in rows]


def _is_utf8(value: object) -> bool:
    return isinstance(value, str) and value == value.encode(errors="ignore").decode()
