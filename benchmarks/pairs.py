"""How right the stance of a given pair is, on public sets that name actor and target.

Usage: python benchmarks/pairs.py plv ROWS.jsonl [--model DIR]
       python benchmarks/pairs.py dse ROWS.jsonl [--without OTHER.jsonl] [--model DIR]

A row is {"text", "a": [start, end], "b": [start, end], "gold"}. plv: `gold` is the PLOVER root code of a toward b,
scored as the four stances that the codebook maps it to (Hu et al. 2024). dse: `gold` is a_pos_b, a_neg_b, b_pos_a,
b_neg_a or neutral (Park et al. 2021), scored by the likeliest of both directions and neither, negative = pressures +
condemns. The shipped model learned from texts of DSE's training set, labelled by us; of PLV it saw nothing.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stancery.data.read import json_rows
from stancery.model.article import PairScores, Span
from stancery.model.classifier import Classifier
from stancery.model.errors import ArticleError
from stancery.model.labels import GROUP_OF_CLASS, NONE

Row = dict[str, Any]


def main() -> None:
    """Print the F1 of every class, micro and macro."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("plv", "dse"))
    parser.add_argument("rows", type=Path)
    parser.add_argument("--without", type=Path, help="leave out rows whose text stands in this file too")
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    rows = read_rows(options.rows)
    if options.without:
        known = {row["text"] for row in read_rows(options.without)}
        rows = [row for row in rows if row["text"] not in known]
    guess, gold_of = (stance, plv_gold) if options.kind == "plv" else (direction, dse_gold)
    classifier = Classifier.load(options.model)
    if not rows:
        sys.exit(f"{options.rows} has no row to score")
    found = [guess(classifier, row) for row in rows]
    unread = sum(score(classifier, row, "a", "b") is None for row in rows)
    print(f"{len(rows)} rows, {unread} of them not scored (overlapping, empty or too far apart) and taken for none")
    print_scores([gold_of(row) for row in rows], found)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file."""
    return [row for _, row in json_rows(path)]


def plv_gold(row: Row) -> str:
    """The stance that the row's root code implies."""
    return str(GROUP_OF_CLASS[row["gold"]])


def dse_gold(row: Row) -> str:
    """The row's class."""
    return str(row["gold"])


def stance(classifier: Classifier, row: Row) -> str:
    """The likeliest stance of a toward b."""
    scores = score(classifier, row, "a", "b")
    return max(scores.stances, key=scores.stances.__getitem__) if scores else NONE


def direction(classifier: Classifier, row: Row) -> str:
    """The likeliest of both directions and neutral, as if the two directions were independent."""
    forward, back = score(classifier, row, "a", "b"), score(classifier, row, "b", "a")
    if not forward or not back:
        return "neutral"
    odds = {"neutral": 1.0}
    for name, found in (("a_{}_b", forward.stances), ("b_{}_a", back.stances)):
        none = max(found[NONE], 1e-9)
        odds[name.format("pos")] = found["supports"] / none
        odds[name.format("neg")] = (found["pressures"] + found["condemns"]) / none
    return max(odds, key=odds.__getitem__)


def score(classifier: Classifier, row: Row, actor: str, target: str) -> PairScores | None:
    """Probabilities of the pair; None where its spans overlap, hold no word or lie too far apart."""
    try:
        (scores,) = classifier.score_pairs([(row["text"], Span(*row[actor]), Span(*row[target]))])
    except ArticleError:
        return None
    return scores


def print_scores(gold: Sequence[str], found: Sequence[str]) -> None:
    """F1 of every class, then micro and macro."""
    hits = Counter(g for g, f in zip(gold, found, strict=True) if g == f)
    wanted, given = Counter(gold), Counter(found)
    scores = {name: 2 * hits[name] / (wanted[name] + given[name]) for name in wanted}
    for name in sorted(wanted):
        print(f"{name:12}{scores[name]:8.3f}{wanted[name]:7} rows")
    print(f"{'micro':12}{sum(hits.values()) / len(gold):8.3f}")
    print(f"{'macro':12}{sum(scores.values()) / len(scores):8.3f}")


if __name__ == "__main__":
    main()
