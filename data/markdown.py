r"""The form of a labelled article that people write by hand: front matter, linked mentions, triples.

Text: a newline inside a paragraph is a space, `\` at a line's end is a line break, `\` before any other character
makes it literal; blank lines part paragraphs. Links nest where mentions do.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from stancery.model.labels import KINDS, NONE

UNKNOWN = "unknown"  # as a target's kind: "(unknown)" where default_kind would say more than is known
_TRIPLE = re.compile(
    r"(?P<actor>\S+)\s+(?P<stances>[a-z|]+)\s+(?P<target>[^\s·{]+)(?:\s+\((?P<kind>[a-z]+)\))?"
    r"(?:\s*·\s*(?P<code>[A-Z]+))?(?:\s*·\s*(?P<extra>\{.*\}))?"
)
_REFERENCE = re.compile(r"(?P<key>[^#\s]+)(?:#(?P<turn>[1-9][0-9]*))?")


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay strings."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def default_kind(stances: Sequence[str]) -> str:
    """The kind of a target that says none."""
    return UNKNOWN if tuple(stances) == (NONE,) else "participant"


class Link(NamedTuple):
    """A linked mention: its entity's key and its characters in the whole text."""

    key: str
    start: int
    end: int
    line: int


@dataclass
class ParsedMarkdown:
    """What a file holds.

    Args:
        row: the contract's JSON form, to be checked by `schema.parse_row`.
        triple_lines: the line of each of its stances.
        problems: (line, message) of what kept it from being read.
    """

    row: dict[str, Any] = field(default_factory=dict)
    triple_lines: tuple[int, ...] = ()
    problems: list[tuple[int, str]] = field(default_factory=list)


def parse_markdown(content: str) -> ParsedMarkdown:
    """Read one hand-written article; what is wrong stands in `problems`."""
    parsed = ParsedMarkdown()
    lines = content.removeprefix("\ufeff").split("\n")
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or end is None:
        parsed.problems.append((1, "no front matter; begin with a line ---, then `id: ...`, then a line ---"))
        return parsed
    front = _front_matter("\n".join(lines[1:end]), parsed.problems)
    entities = front.pop("entities", None) or {}
    if not isinstance(entities, dict) or not all(
        isinstance(k, str) and isinstance(v, str | None) for k, v in entities.items()
    ):
        parsed.problems.append(
            (1, "'entities' is no map of keys to names; write {usa: United States}, quoted if need be")
        )
        return parsed
    reader = _Body(entities, parsed.problems)
    for kind, first, block in _blocks(lines[end + 1 :], end + 2):
        if kind == "triples":
            reader.read_triples(first, block)
        else:
            reader.read_paragraph(first, block)
    used = {key for key, *_ in reader.links}
    parsed.problems += [
        (1, f"entity {key!r} is never mentioned; link it in the text or take it out of 'entities'")
        for key in entities
        if key not in used
    ]
    parsed.problems.sort()
    parsed.row = {**front, "text": reader.text, "stances": reader.stances}
    if mentions := reader.unused_mentions():
        parsed.row["mentions"] = mentions
    parsed.triple_lines = tuple(reader.stance_lines)
    return parsed


def _front_matter(content: str, problems: list[tuple[int, str]]) -> dict[str, Any]:
    try:
        front = yaml.load(content, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 2 + (mark.line if mark else 0)
        problems.append((line, f"front matter is no YAML ({getattr(error, 'problem', error)}); quote the value"))
        return {}
    if not isinstance(front, dict) or not all(isinstance(key, str) for key in front):
        problems.append((1, "front matter is no map of keys to values; write `id: ...`, one key a line"))
        return {}
    return front


def _blocks(lines: list[str], number: int) -> Iterator[tuple[str, int, list[str]]]:
    """Runs of lines between blank ones, with their first line's number, as `text` or `triples`."""
    block: list[str] = []
    for n, line in enumerate([*lines, ""], number):
        if line.strip():
            block.append(line)
        elif block:
            first = n - len(block)
            yield ("triples" if block[0].startswith(">") else "text"), first, block
            block = []


class _Body:
    """Grows the text, its links and its triples, paragraph by paragraph."""

    def __init__(self, entities: dict[str, str | None], problems: list[tuple[int, str]]) -> None:
        self.entities, self.problems = entities, problems
        self.text = ""
        self.links: list[Link] = []
        self.stances: list[dict[str, Any]] = []
        self.stance_lines: list[int] = []
        self._has_begun = False
        self._paragraph: dict[str, list[Link]] = {}
        self._used: set[tuple[int, int, str]] = set()

    def read_paragraph(self, number: int, lines: list[str]) -> None:
        if self._has_begun:
            self.text += "\n\n"
        self._has_begun = True
        self._paragraph = {}
        opened: list[tuple[int, int]] = []
        first_link = len(self.links)
        for n, line in enumerate(lines, number):
            if line.startswith(">"):
                self.problems.append((n, "'>' within a paragraph; leave an empty line before triples, or write \\>"))
            stripped = _strip(line)
            is_break = _ends_with_backslash(stripped)
            self._read_line(n, stripped[:-1] if is_break else stripped, opened)
            if is_break:
                self.text += "\n"
            elif n < number + len(lines) - 1:
                self.text += " "
        self.problems += [
            (line, "'[' without its link; write [name](#key), or \\[ for a bracket") for _, line in opened
        ]
        for link in sorted(self.links[first_link:], key=lambda link: (link.start, -link.end)):
            self._paragraph.setdefault(link.key, []).append(link)

    def _read_line(self, number: int, line: str, opened: list[tuple[int, int]]) -> None:
        at = 0
        while at < len(line):
            character = line[at]
            if character == "\\" and at + 1 < len(line):
                self.text += line[at + 1]
                at += 2
            elif character == "[":
                opened.append((len(self.text), number))
                at += 1
            elif character == "]":
                at = self._close(number, line, at, opened)
            else:
                self.text += character
                at += 1

    def _close(self, number: int, line: str, at: int, opened: list[tuple[int, int]]) -> int:
        found = re.compile(r"\]\(#([^()\s#]+)\)").match(line, at)
        if not found or not opened:
            self.problems.append(
                (number, f"']' without its link near {line[at : at + 20]!r}; write [name](#key), or \\]")
            )
            return at + 1
        start, _ = opened.pop()
        key = found.group(1)
        if key not in self.entities:
            self.problems.append((number, f"entity {key!r} is not defined; add it to 'entities' in the front matter"))
        self.links.append(Link(key, start, len(self.text), number))
        return found.end()

    def read_triples(self, number: int, lines: list[str]) -> None:
        for n, line in enumerate(lines, number):
            content = line.removeprefix(">").strip()
            found = _TRIPLE.fullmatch(content)
            if not line.startswith(">") or not found:
                self.problems.append((n, f"not a triple: {content[:60]!r}; write `> actor supports target · SUPPORT`"))
                continue
            actor, target = self._find(n, found["actor"]), self._find(n, found["target"])
            if found["kind"] not in (None, UNKNOWN, *KINDS):
                self.problems.append((n, f"kind ({found['kind']}) does not exist; write (matter), or nothing"))
            elif actor and target:
                self._add(n, actor, target, found)

    def _add(self, number: int, actor: Link, target: Link, found: re.Match[str]) -> None:
        stances = found["stances"].split("|")
        triple: dict[str, Any] = {
            "actor": [actor.start, actor.end],
            "stance": stances if len(stances) > 1 else stances[0],
            "target": [target.start, target.end],
        }
        kind = found["kind"] or default_kind(stances)
        known = {
            "code": found["code"],
            "actor_entity": self.entities.get(actor.key),
            "target_entity": self.entities.get(target.key),
            "kind": None if kind == UNKNOWN else kind,
        }
        try:
            extra = json.loads(found["extra"] or "{}")
        except (ValueError, RecursionError):
            self.problems.append(
                (number, f'{found["extra"][:40]!r} is no JSON; write {{"key": value}}, or leave it out')
            )
            return
        self.stances.append(triple | {key: value for key, value in known.items() if value is not None} | extra)
        self.stance_lines.append(number)
        self._used |= {(actor.start, actor.end, actor.key), (target.start, target.end, target.key)}

    def _find(self, number: int, reference: str) -> Link | None:
        found = _REFERENCE.fullmatch(reference)
        mentions = self._paragraph.get(found["key"], []) if found else []
        turn = int((found and found["turn"]) or 1)
        if turn > len(mentions):
            self.problems.append(
                (
                    number,
                    f"{reference!r} is not linked in the paragraph above ({len(mentions)} links to it there); link it",
                )
            )
            return None
        return mentions[turn - 1]

    def unused_mentions(self) -> list[list[Any]]:
        return [
            [link.start, link.end, self.entities.get(link.key)]
            for link in sorted(self.links, key=lambda link: (link.start, -link.end))
            if (link.start, link.end, link.key) not in self._used
        ]


def _strip(line: str) -> str:
    """The line without white space at its edges, save where a backslash keeps it."""
    stripped = line.strip()
    if _ends_with_backslash(stripped) and line.rstrip() != line:
        # "\ " at the end: the space is literal, and what follows it is not.
        stripped += line[len(line.rstrip())]
    return stripped


def _ends_with_backslash(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
