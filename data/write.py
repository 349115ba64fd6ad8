"""Labelled articles to files, in both written forms; `data.read` reads them back to equal articles."""

import json
import re
import unicodedata
from collections.abc import Iterable
from itertools import count
from typing import Any

import yaml

from stancery.data.markdown import default_kind
from stancery.data.schema import GoldArticle, GoldTriple, to_row
from stancery.model.article import Span
from stancery.model.errors import DataError

_BREAKS = re.compile(r"\n+")


def to_json_line(gold: GoldArticle) -> str:
    """One line of JSON, without its newline."""
    return json.dumps(to_row(gold), ensure_ascii=False)


def to_markdown(gold: GoldArticle) -> str:
    """The hand-written form, a paragraph a line, its triples below it.

    Raises:
        DataError: two mentions cross, so that neither link can hold the other.
    """
    writer = _Writer(gold)
    row = to_row(gold)
    front: dict[str, Any] = {key: row.pop(key) for key in ("id", "date", "speaker", "complete") if key in row}
    front |= {key: value for key, value in row.items() if key not in ("text", "stances", "mentions")}
    if writer.keys:
        front["entities"] = {key: name for name, key in writer.keys.values()}
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return "\n\n".join([f"---\n{head}---", *writer.blocks()]) + "\n"


class _Writer:
    def __init__(self, gold: GoldArticle) -> None:
        self.gold, self.text = gold, gold.article.text
        self.keys: dict[object, tuple[str | None, str]] = {}
        links = {(span, self._key(span, name)) for span, name in _named_spans(gold)}
        # Outer links first, so that inner ones open after them.
        self.links = sorted(links, key=lambda link: (link[0].start, -link[0].end, link[1]))
        self._refuse_crossings([span for span, _ in self.links])

    def blocks(self) -> Iterable[str]:
        """Paragraphs and, after each, its triples."""
        start = 0
        for cut in [*self._paragraph_breaks(), None]:
            end = len(self.text) if cut is None else cut
            if self.text:
                yield self._paragraph(start, end)
            inside = [t for t in self.gold.triples if start <= t.actor.start < end]
            if inside:
                yield "\n".join(self._triple(triple, start, end) for triple in inside)
            start = end + 2

    def _paragraph_breaks(self) -> list[int]:
        """Where exactly two newlines stand between sentences; all others are line breaks within a paragraph."""
        kept = [Span(min(t.actor.start, t.target.start), max(t.actor.end, t.target.end)) for t in self.gold.triples]
        kept += [span for span, _ in self.links]
        return [
            found.start()
            for found in _BREAKS.finditer(self.text)
            if len(found[0]) == 2
            and found.start() > 0
            and found.end() < len(self.text)
            and not any(span.start <= found.start() < span.end for span in kept)
        ]

    def _paragraph(self, start: int, end: int) -> str:
        opens: dict[int, int] = {}
        closes: dict[int, list[str]] = {}
        for span, key in self.links:
            if start <= span.start < end:
                opens[span.start] = opens.get(span.start, 0) + 1
                closes.setdefault(span.end, []).insert(0, key)  # inner links close first
        out: list[str] = []
        for at in range(start, end + 1):
            out += [f"](#{key})" for key in closes.get(at, [])]
            if at == end:
                break
            out.append("[" * opens.get(at, 0))
            out.append(self._character(at, start, end))
        return "".join(out)

    def _character(self, at: int, start: int, end: int) -> str:
        character = self.text[at]
        if character == "\n":
            return "\\\n"
        at_edge = at in (start, end - 1) or "\n" in (self.text[at - 1], self.text[at + 1])
        if character in "[]\\" or (at_edge and (character.isspace() or character == ">")):
            return "\\" + character
        return character

    def _triple(self, triple: GoldTriple, start: int, end: int) -> str:
        actor = self._reference(triple.actor, triple.actor_entity, start, end)
        target = self._reference(triple.target, triple.target_entity, start, end)
        kind = triple.kind or "unknown"
        line = f"> {actor} {'|'.join(triple.stances)} {target}"
        if kind != default_kind(triple.stances):
            line += f" ({kind})"
        extra = json.dumps(triple.extra, ensure_ascii=False) if triple.extra else None
        return " · ".join([line, *(part for part in (triple.code, extra) if part)])

    def _reference(self, span: Span, name: str | None, start: int, end: int) -> str:
        key = self._key(span, name)
        places = [s for s, k in self.links if k == key and start <= s.start < end]
        turn = places.index(span) + 1
        return key if turn == 1 else f"{key}#{turn}"

    def _key(self, span: Span, name: str | None) -> str:
        """The entity's key: a slug of its name, or of the mention's own words where it has none."""
        words = self.text[span.start : span.end]
        identity = name if name is not None else (words,)
        if identity not in self.keys:
            taken = {key for _, key in self.keys.values()}
            slug = _slug(name or words)
            key = next(k for n in count(1) if (k := slug if n == 1 else f"{slug}-{n}") not in taken)
            self.keys[identity] = (name, key)
        return self.keys[identity][1]

    def _refuse_crossings(self, spans: list[Span]) -> None:
        for n, outer in enumerate(spans):
            for inner in spans[n + 1 :]:
                if inner.start < outer.end < inner.end and outer.start < inner.start:
                    raise DataError(
                        [
                            f"article {self.gold.article.id!r}: mentions {list(outer)} and {list(inner)} cross, which "
                            "links cannot; keep the article as JSON Lines, or let one mention hold the other"
                        ]
                    )


def _named_spans(gold: GoldArticle) -> Iterable[tuple[Span, str | None]]:
    for triple in gold.triples:
        yield triple.actor, triple.actor_entity
        yield triple.target, triple.target_entity
    for mention in gold.mentions:
        yield mention.span, mention.entity


def _slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")
    # YAML reads these, and numbers, as something other than a string; safe_dump would quote them, people would not.
    return (
        f"e-{slug}"
        if slug in ("", "no", "yes", "on", "off", "y", "n", "null", "true", "false") or slug[0].isdigit()
        else slug
    )
