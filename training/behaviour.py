"""The behaviour suite: short texts, by capability, with the triples that must and must not come out of them.

After CheckList (Ribeiro et al. 2020, arXiv:2005.04118): what an F1 averages away, such as who condemns whom, is asked
for itself.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import stancery.data
from stancery.data.read import json_rows
from stancery.model.article import Article, Span, Triple
from stancery.model.classifier import Classifier
from stancery.model.errors import ArticleError, DataError
from stancery.model.labels import STANCES
from stancery.training.evaluate import agree, triples_of

SUITE = Path(stancery.data.__file__).parent / "behaviour"

_ROW_KEYS, _KEYS = ("id", "text", "expect", "refuse"), ("actor", "stance", "target")


@dataclass(frozen=True)
class Pattern:
    """A triple by its spans and stance; None stands for any."""

    actor: Span | None
    stance: str | None
    target: Span | None

    def fits(self, triple: Triple) -> bool:
        """Whether a triple that came out is this one; spans agree as they do in `evaluate`."""
        return (
            self.stance in (None, triple.stance)
            and (self.actor is None or agree(self.actor, triple.actor))
            and (self.target is None or agree(self.target, triple.target))
        )


@dataclass(frozen=True)
class Case:
    """A text and what must come out of it.

    Args:
        id: unique in the suite.
        capability: the file that it stands in.
        text: one to three sentences.
        expect: triples that must come out.
        refuse: triples that must not.
    """

    id: str
    capability: str
    text: str
    expect: tuple[Pattern, ...]
    refuse: tuple[Pattern, ...]

    def passes(self, triples: Sequence[Triple]) -> bool:
        """Whether every expected triple came out and no refused one did."""
        return all(any(p.fits(t) for t in triples) for p in self.expect) and not any(
            p.fits(t) for p in self.refuse for t in triples
        )


def read_cases(folder: Path = SUITE) -> list[Case]:
    """The cases of a folder of `CAPABILITY.jsonl`.

    Raises:
        DataError: lists every row that is no case, or whose id stands twice.
    """
    cases: dict[str, Case] = {}
    problems: list[str] = []
    for file in sorted(folder.glob("*.jsonl")):
        try:
            rows = json_rows(file)
        except DataError as error:
            problems += error.problems
            continue
        for number, row in rows:
            try:
                case = _case(row, file.stem)
                if case.id in cases:
                    raise ValueError(f"id {case.id!r} stands twice")
                cases[case.id] = case
            except (ValueError, ArticleError) as error:
                problems.append(f"{file}:{number}: {error}; write id, text, expect and refuse as the other rows do")
    if not cases and not problems:
        problems.append(f"{folder}: no cases; name a folder of .jsonl files such as data/behaviour")
    if problems:
        raise DataError(problems)
    return list(cases.values())


def run_cases(classifier: Classifier, cases: Sequence[Case], threshold: float | None = None) -> dict[str, bool]:
    """Whether each case passes, by its id."""
    labelled = classifier.label_all([Article(case.text) for case in cases], threshold)
    return {case.id: case.passes(triples_of(found)) for case, found in zip(cases, labelled, strict=True)}


def pass_table(cases: Sequence[Case], passed: Mapping[str, bool]) -> str:
    """Pass rates by capability as a Markdown table."""
    lines = ["| capability         | cases | passed |  rate |", "| ------------------ | ----- | ------ | ----- |"]
    for capability in [*sorted({case.capability for case in cases}), ""]:
        own = [passed[case.id] for case in cases if capability in ("", case.capability)]
        lines.append(f"| {capability or 'all':18} | {len(own):5} | {sum(own):6} | {sum(own) / len(own):.3f} |")
    return "\n".join(lines)


def _case(row: Mapping[str, object], capability: str) -> Case:
    if unknown := set(row) - set(_ROW_KEYS):
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    name, text = row.get("id"), row.get("text")
    if not isinstance(name, str) or not isinstance(text, str):
        raise ValueError(f"id {name!r} or text {text!r} is no string")
    Article(text)  # refuses lone surrogates
    expect, refuse = (tuple(_pattern(item, text) for item in _list(row, key)) for key in ("expect", "refuse"))
    if not expect and not refuse:
        raise ValueError("neither 'expect' nor 'refuse' lists anything")
    if any(None in (p.actor, p.stance, p.target) for p in expect):
        raise ValueError("a triple of 'expect' lacks its actor, stance or target")
    return Case(name, capability, text, expect, refuse)


def _list(row: Mapping[str, object], key: str) -> list[object]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{key!r} is {value!r} and no list")
    return value


def _pattern(item: object, text: str) -> Pattern:
    if not isinstance(item, dict) or set(item) - set(_KEYS) or not all(isinstance(v, str) for v in item.values()):
        raise ValueError(f"{json.dumps(item, ensure_ascii=False)} is no object of strings under {', '.join(_KEYS)}")
    if item.get("stance") not in (None, *STANCES):
        raise ValueError(f"stance {item['stance']!r} is unknown")
    actor, target = (locate(text, item[key]) if key in item else None for key in ("actor", "target"))
    return Pattern(actor, item.get("stance"), target)


def locate(text: str, phrase: str) -> Span:
    """Where a phrase stands; `phrase#2` is its second occurrence.

    Raises:
        ValueError: the text does not hold it.
    """
    words, turn = phrase, 1
    if numbered := re.fullmatch(r"(.+)#([1-9][0-9]?)", phrase, re.DOTALL):
        words, turn = numbered[1], int(numbered[2])
    at = -1
    for _ in range(turn):
        at = text.find(words, at + 1)
        if at < 0 or not words:
            raise ValueError(f"{phrase!r} is not in the text")
    return Span(at, at + len(words))
