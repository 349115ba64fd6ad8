"""Labelled articles -> windows with what is known of their spans and pairs -> padded batches."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stancery.data.schema import GoldArticle, GoldTriple
from stancery.model.encode import Ints, Segment, Window, WindowEncoder
from stancery.model.labels import CLASSES, CLASSES_OF_GROUP, NONE


@dataclass(frozen=True)
class Example:
    """A window and its labels.

    Args:
        window: what the network reads.
        complete: whether pairs that are not listed are known to be none.
        pairs: labelled pairs, int64 (pairs, 6), as `StanceNetwork.pair_logits` takes them.
        classes: the classes that would be right for each pair, bool (pairs, classes).
        weights: of each row; a pair with two stances has two rows of half the weight, float32 (pairs,).
        matters: 1 target is a matter, 0 a participant, -1 unknown, int64 (pairs,).
        unlisted: the classes that would be right for a pair that is not listed, bool (classes,).
    """

    window: Window
    complete: bool
    pairs: Ints
    classes: np.ndarray
    weights: np.ndarray
    matters: Ints
    unlisted: np.ndarray

    @property
    def has_stance(self) -> np.ndarray:
        """Rows that cannot be "none", bool (pairs,)."""
        return np.asarray(~self.classes[:, list(CLASSES_OF_GROUP[NONE])].any(axis=1))


@dataclass(frozen=True)
class Batch:
    """Windows padded to one length, int64 (batch, tokens) each, and their examples."""

    ids: Tensor
    casing: Tensor
    mask: Tensor
    examples: tuple[Example, ...]


def to_examples(articles: Sequence[GoldArticle], encoder: WindowEncoder) -> list[Example]:
    """Windows of the articles; of a partial row only the windows with a labelled pair."""
    examples = []
    for gold in articles:
        unlisted = _unlisted(gold)
        for window in encoder.windows(gold.article.text, gold.sentence_spans()):
            example = _example(gold, window, unlisted)
            if gold.complete or len(example.pairs):
                examples.append(example)
    return examples


def to_features(example: Example) -> dict[str, Any]:
    """Plain lists, as a `datasets.Dataset` holds them; `from_features` reads them back."""
    window = example.window
    return {
        "ids": window.ids.tolist(),
        "casing": window.casing.tolist(),
        "offsets": window.offsets.tolist(),
        "starts": window.starts.tolist(),
        "ends": window.ends.tolist(),
        "segments": [[s.sentence, s.first, s.last] for s in window.segments],
        "complete": example.complete,
        "pairs": example.pairs.tolist(),
        "classes": example.classes.tolist(),
        "weights": example.weights.tolist(),
        "matters": example.matters.tolist(),
        "unlisted": example.unlisted.tolist(),
    }


def from_features(row: dict[str, Any]) -> Example:
    """The example of `to_features`."""
    window = Window(
        ids=np.array(row["ids"], dtype=np.int64),
        casing=np.array(row["casing"], dtype=np.int64),
        offsets=np.array(row["offsets"], dtype=np.int64).reshape(-1, 2),
        segments=tuple(Segment(*segment) for segment in row["segments"]),
        starts=np.array(row["starts"], dtype=bool),
        ends=np.array(row["ends"], dtype=bool),
    )
    return Example(
        window,
        row["complete"],
        np.array(row["pairs"], dtype=np.int64).reshape(-1, 6),
        np.array(row["classes"], dtype=bool).reshape(-1, len(CLASSES)),
        np.array(row["weights"], dtype=np.float32),
        np.array(row["matters"], dtype=np.int64),
        np.array(row["unlisted"], dtype=bool),
    )


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Batch]:
    """A batch of rows of `to_features`, under the name that the network's `forward` gives it."""
    examples = tuple(from_features(row) for row in rows)
    longest = max(len(example.window.ids) for example in examples)

    def padded(arrays: list[Ints]) -> Tensor:
        return torch.from_numpy(np.stack([np.pad(a, (0, longest - len(a))) for a in arrays]))

    return {
        "batch": Batch(
            padded([e.window.ids for e in examples]),
            padded([e.window.casing for e in examples]),
            padded([np.ones_like(e.window.ids) for e in examples]),
            examples,
        )
    }


def _example(gold: GoldArticle, window: Window, unlisted: np.ndarray) -> Example:
    times = Counter((triple.actor, triple.target) for triple in gold.triples)
    pairs, classes, weights, matters = [], [], [], []
    for triple in gold.triples:
        pair = window.pair(triple.actor, triple.target)
        if pair is None:
            continue
        pairs.append(pair[0])
        classes.append(right_classes(triple))
        weights.append(1 / times[triple.actor, triple.target])
        matters.append({"matter": 1, "participant": 0, None: -1}[triple.kind])
    return Example(
        window,
        gold.complete,
        np.array(pairs, dtype=np.int64).reshape(-1, 6),
        np.array(classes, dtype=bool).reshape(-1, len(CLASSES)),
        np.array(weights, dtype=np.float32),
        np.array(matters, dtype=np.int64),
        unlisted,
    )


def right_classes(triple: GoldTriple) -> np.ndarray:
    """The classes whose probabilities add up to that of the label, bool (classes,)."""
    right = np.zeros(len(CLASSES), dtype=bool)
    if triple.code is not None:
        right[CLASSES.index(triple.code)] = True
    else:
        for stance in triple.stances:
            right[list(CLASSES_OF_GROUP[stance])] = True
    return right


def _unlisted(gold: GoldArticle) -> np.ndarray:
    """Right classes of a pair that is not listed.

    An article that lists some meetings or attacks lists all; where none is listed, nobody looked for them.
    """
    right = np.zeros(len(CLASSES), dtype=bool)
    lists_events = any(triple.code in ("CONSULT", "ASSAULT") for triple in gold.triples)
    right[[CLASSES.index(NONE)] if lists_events else list(CLASSES_OF_GROUP[NONE])] = True
    return right
