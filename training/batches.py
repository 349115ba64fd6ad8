"""Batches of like length, so that little is padded, each of about as many tokens as the others."""

import random
from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler

# Windows that are sorted by length at a time: enough for full batches, few enough to stay mixed.
SORTED_TOGETHER = 192


class TokenBatchSampler(Sampler[list[int]]):
    """Indices of windows, a batch at a time; the batches stay, their order changes with every epoch.

    Args:
        lengths: tokens of each window.
        batch_tokens: tokens of a batch at most, padding included; a longer window is a batch of its own.
        seed: of the mixing.
    """

    def __init__(self, lengths: Sequence[int], batch_tokens: int, seed: int) -> None:
        self._seed, self._epoch = seed, 0
        self._batches: list[list[int]] = []
        order = list(range(len(lengths)))
        random.Random(seed).shuffle(order)
        for begin in range(0, len(order), SORTED_TOGETHER):
            batch: list[int] = []
            for index in sorted(order[begin : begin + SORTED_TOGETHER], key=lengths.__getitem__):
                if batch and (len(batch) + 1) * lengths[index] > batch_tokens:
                    self._batches.append(batch)
                    batch = []
                batch.append(index)
            self._batches.append(batch)

    def set_epoch(self, epoch: int) -> None:
        """What the order is drawn from, beside the seed."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        batches = list(self._batches)
        random.Random(self._seed * 1_000_003 + self._epoch).shuffle(batches)
        return iter(batches)
