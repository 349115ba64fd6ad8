"""What the network is taught: which spans take part in a stance, and what every pair of them carries."""

import numpy as np
import torch
from torch import Tensor, nn

from stancery.model.decode import ACTOR, TARGET, DecodeSettings, allowed_spans, candidate_spans
from stancery.model.network import StanceNetwork
from stancery.training.collate import Batch, Example

# While training, fewer and surer candidates: each is scored against every other.
CANDIDATES = DecodeSettings(span_threshold=0.05, max_candidates=6)

# A candidate stands for a labelled span that holds it, or that it holds, if the rest is at most this many tokens.
SLACK_TOKENS = 5

TokenSpan = tuple[int, int]
Row = tuple[tuple[int, ...], np.ndarray, float, int]  # pair, right classes, weight, matter


class TrainableNetwork(nn.Module):
    """The network with its loss, as the Trainer calls it.

    Args:
        network: what learns.
        span_weight: of the span loss beside the pair loss.
    """

    def __init__(self, network: StanceNetwork, span_weight: float) -> None:
        super().__init__()
        self.network = network
        self.span_weight = span_weight

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch, summed over its spans and pairs, per sentence."""
        device = self.network.casing.weight.device
        states = self.network.encode(batch.ids.to(device), batch.casing.to(device), batch.mask.to(device))
        span_logits = self.network.span_logits(states).float()
        sentences = sum(len(example.window.segments) for example in batch.examples)
        spans = span_loss(span_logits, batch.examples)
        rows = [
            pair_rows(example, logits)
            for example, logits in zip(batch.examples, span_logits.numpy(force=True), strict=True)
        ]
        pairs = self._pair_loss(states, rows)
        return {"loss": (self.span_weight * spans + pairs) / sentences}

    def _pair_loss(self, states: Tensor, rows: list[list[Row]]) -> Tensor:
        longest = max(len(window) for window in rows)
        if not longest:
            return states.sum() * 0
        filler: Row = ((0,) * 6, np.ones_like(next(row for window in rows for row in window)[1]), 0.0, -1)
        padded = [window + [filler] * (longest - len(window)) for window in rows]
        pairs = torch.tensor([[row[0] for row in window] for window in padded], device=states.device)
        right = torch.from_numpy(np.array([[row[1] for row in window] for window in padded])).to(states.device)
        weights = torch.tensor([[row[2] for row in window] for window in padded], device=states.device)
        matters = torch.tensor([[row[3] for row in window] for window in padded], device=states.device)
        logits, matter_logits = self.network.pair_logits(states, pairs)
        class_loss = (pair_losses(logits.float(), right) * weights).sum()
        matter_loss = nn.functional.binary_cross_entropy_with_logits(
            matter_logits.float(),
            matters.clamp(min=0).float(),
            weight=(matters >= 0).float() * weights,
            reduction="sum",
        )
        return class_loss + 0.2 * matter_loss


def pair_losses(logits: Tensor, right: Tensor) -> Tensor:
    """Minus the log of the summed probability of the right classes, float (..., ) of (..., classes)."""
    return logits.logsumexp(-1) - logits.masked_fill(~right, -torch.inf).logsumexp(-1)


def span_loss(logits: Tensor, examples: tuple[Example, ...]) -> Tensor:
    """Summed cross-entropy of every span and role; of a partial row, only of its labelled spans.

    Args:
        logits: float32 (batch, roles, tokens, tokens).
        examples: the batch.
    """
    targets = torch.zeros(logits.shape)
    weights = torch.zeros(logits.shape)
    for n, example in enumerate(examples):
        tokens = len(example.window.ids)
        if example.complete:
            weights[n, :, :tokens, :tokens] = torch.from_numpy(
                allowed_spans(example.window, CANDIDATES.max_span_tokens)
            ).float()
        carries = example.has_stance
        # First the spans of pairs that carry none: in a complete article they may or may not take part in a stance.
        for is_gold in (False, True):
            for row in np.flatnonzero(carries == is_gold):
                pair = example.pairs[row]
                for role, (first, last) in ((ACTOR, pair[:2]), (TARGET, pair[2:4])):
                    known = is_gold or not example.complete
                    weights[n, role, first, last] = float(known)
                    targets[n, role, first, last] = float(known)
    return nn.functional.binary_cross_entropy_with_logits(
        logits, targets.to(logits.device), weight=weights.to(logits.device), reduction="sum"
    )


def pair_rows(example: Example, span_logits: np.ndarray) -> list[Row]:
    """The pairs to score, with what would be right for each.

    The labelled pairs; of a complete article also every pair of labelled spans, in both directions, and of the spans
    that the network finds now: what it confuses today is what it has to learn.
    """
    rows: list[Row] = [
        (tuple(pair), right, float(weight), int(matter))
        for pair, right, weight, matter in zip(
            example.pairs.tolist(), example.classes, example.weights, example.matters, strict=True
        )
    ]
    if not example.complete:
        return rows
    tokens = len(example.window.ids)
    found = candidate_spans(example.window, span_logits[:, :tokens, :tokens], CANDIDATES)
    listed = {row[0] for row in rows}
    for segment, (actors, targets) in zip(example.window.segments, found, strict=True):
        gold = [row for row in rows if row[0][4] == segment.first and row[0][5] == segment.last]
        known = {span for row in gold for span in (row[0][:2], row[0][2:4])}
        for actor in sorted(known | {(first, last) for first, last, _ in actors}):
            for target in sorted(known | {(first, last) for first, last, _ in targets}):
                pair = (*actor, *target, segment.first, segment.last)
                if pair not in listed and (actor[1] < target[0] or target[1] < actor[0]):
                    rows.extend(_unlisted_rows(pair, gold, example.unlisted))
    return rows


def _unlisted_rows(pair: tuple[int, ...], gold: list[Row], unlisted: np.ndarray) -> list[Row]:
    """As the labelled pair that it stands for, if there is one, else as a pair known to carry none."""
    same = [row for row in gold if _agree(pair[:2], row[0][:2]) and _agree(pair[2:4], row[0][2:4])]
    if not same:
        return [(pair, unlisted, 1.0, -1)]
    whole = sum(weight for _, _, weight, _ in same)
    return [(pair, right, weight / whole, matter) for _, right, weight, matter in same]


def _agree(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    both = min(a[1], b[1]) - max(a[0], b[0]) + 1
    shorter, longer = sorted((a[1] - a[0] + 1, b[1] - b[0] + 1))
    return both > 0 and ((both == shorter and longer - shorter <= SLACK_TOKENS) or 2 * both >= shorter + longer - both)
