"""Mistakes by group: what a model missed and what it made up, so that the next step attacks what costs most."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from stancery.data.schema import GoldArticle, GoldTriple
from stancery.model.article import LabelledArticle, Triple
from stancery.training.evaluate import agree, agreeing, gold_stances, matching, sentence_of, triples_of

Group = tuple[str, Callable[[GoldTriple, Triple], bool]]


def _same_actor(gold: GoldTriple, found: Triple) -> bool:
    return agree(gold.actor, found.actor)


def _same_target(gold: GoldTriple, found: Triple) -> bool:
    return agree(gold.target, found.target)


def _same_stance(gold: GoldTriple, found: Triple) -> bool:
    return found.stance in gold.stances


# The first that fits names the mistake; `gold` and `found` are of one sentence.
GROUPS: tuple[Group, ...] = (
    ("said again, of a triple that was found", agreeing),
    ("right pair, other stance", lambda g, f: _same_actor(g, f) and _same_target(g, f)),
    ("direction reversed", lambda g, f: agree(g.actor, f.target) and agree(g.target, f.actor)),
    ("right actor and stance, other target", lambda g, f: _same_actor(g, f) and _same_stance(g, f)),
    ("right target and stance, other actor", lambda g, f: _same_target(g, f) and _same_stance(g, f)),
    ("right stance, other actor and target", _same_stance),
    ("another stance in the sentence", lambda g, f: True),
)
NOTHING = "nothing like it in the sentence"


def mistakes(
    articles: Sequence[GoldArticle], predicted: Sequence[LabelledArticle]
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How many labelled triples were missed, and how many found ones are false, by group."""
    missed: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for gold, labelled in zip(articles, predicted, strict=True):
        found, wanted, sentences = triples_of(labelled), gold_stances(gold), gold.sentence_spans()
        matched = matching(found, wanted, agreeing)
        where_wanted = [sentence_of(sentences, triple.actor) for triple in wanted]
        where_found = [sentence_of(sentences, triple.actor) for triple in found]
        pairs = [
            (g, f)
            for g, g_at in zip(wanted, where_wanted, strict=True)
            for f, f_at in zip(found, where_found, strict=True)
            if g_at == f_at
        ]
        missed.update(
            _group([pair for pair in pairs if pair[0] is triple])
            for n, triple in enumerate(wanted)
            if n not in matched.values()
        )
        false.update(
            _group([pair for pair in pairs if pair[1] is answer]) for n, answer in enumerate(found) if n not in matched
        )
    return missed, false


def mistake_table(missed: Mapping[str, int], false: Mapping[str, int]) -> str:
    """The groups as a Markdown table."""
    names = [*(name for name, _ in GROUPS), NOTHING]
    lines = ["| group | missed | false |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {missed.get(name, 0)} | {false.get(name, 0)} |" for name in names]
    return "\n".join([*lines, f"| all | {sum(missed.values())} | {sum(false.values())} |"])


def _group(pairs: Sequence[tuple[GoldTriple, Triple]]) -> str:
    return next((name for name, fits in GROUPS if any(fits(g, f) for g, f in pairs)), NOTHING)
