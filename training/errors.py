"""Errors by group: what a model missed and what it made up, so that the next step attacks what costs most."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from stancery.data.schema import GoldArticle, GoldTriple
from stancery.model.article import LabelledArticle, Triple
from stancery.training.evaluate import agree, gold_stances, is_right, triples_of

Group = tuple[str, Callable[[GoldTriple, Triple], bool]]


def _same_actor(gold: GoldTriple, found: Triple) -> bool:
    return agree(gold.actor, found.actor)


def _same_target(gold: GoldTriple, found: Triple) -> bool:
    return agree(gold.target, found.target)


def _same_stance(gold: GoldTriple, found: Triple) -> bool:
    return found.stance in gold.stances


# The first that fits names the error; `gold` and `found` are of one sentence.
GROUPS: tuple[Group, ...] = (
    ("right pair, other stance", lambda g, f: _same_actor(g, f) and _same_target(g, f)),
    ("direction reversed", lambda g, f: agree(g.actor, f.target) and agree(g.target, f.actor)),
    ("right actor and stance, other target", lambda g, f: _same_actor(g, f) and _same_stance(g, f)),
    ("right target and stance, other actor", lambda g, f: _same_target(g, f) and _same_stance(g, f)),
    ("right stance, other actor and target", _same_stance),
    ("another stance in the sentence", lambda g, f: True),
)
NOTHING = "nothing like it in the sentence"


def error_groups(
    articles: Sequence[GoldArticle], predicted: Sequence[LabelledArticle]
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How many labelled triples were missed, and how many found ones are false, by group."""
    missed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for gold, labelled in zip(articles, predicted, strict=True):
        found, wanted = triples_of(labelled), gold_stances(gold)
        right = [f for f, is_hit in zip(found, is_right(found, wanted), strict=True) if is_hit]
        for sentence in gold.sentence_spans():
            own_gold = [g for g in wanted if sentence.holds(g.actor)]
            own_found = [f for f in found if sentence.holds(f.actor)]
            missed.update(
                _group([(g, f) for f in own_found]) for g in own_gold if not any(_is_triple(g, f) for f in right)
            )
            false.update(_group([(g, f) for g in own_gold]) for f in own_found if f not in right)
    return missed, false


def error_table(missed: Mapping[str, int], false: Mapping[str, int]) -> str:
    """The groups as a Markdown table."""
    names = [*(name for name, _ in GROUPS), NOTHING]
    lines = ["| group | missed | false |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {missed.get(name, 0)} | {false.get(name, 0)} |" for name in names]
    return "\n".join([*lines, f"| all | {sum(missed.values())} | {sum(false.values())} |"])


def _is_triple(gold: GoldTriple, found: Triple) -> bool:
    return _same_actor(gold, found) and _same_target(gold, found) and _same_stance(gold, found)


def _group(pairs: Sequence[tuple[GoldTriple, Triple]]) -> str:
    return next((name for name, fits in GROUPS if any(fits(g, f) for g, f in pairs)), NOTHING)
