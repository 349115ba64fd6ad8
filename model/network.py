"""The torch module: encoder, span head, pair head. Needs the `train` extra; serving runs on its exported graph.

ids, casing -> encoder -> states -> span head: can these words hold a stance, or receive one?
                                 -> pair head: what does this actor take toward this target?
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stancery.model.decode import Floats
from stancery.model.encode import CASINGS, Ints
from stancery.model.heads import HeadSizes
from stancery.model.labels import CLASSES

ROLES = ("actor", "target")

# Distances between actor and target in tokens, from far left to far right, in steps that double.
DISTANCE_STEPS = (1, 2, 4, 8, 16, 32, 64)


class StanceNetwork(nn.Module):
    """Scores spans and ordered pairs of spans.

    Args:
        encoder: any Hugging Face encoder that takes `inputs_embeds`.
        sizes: widths of the heads.
    """

    def __init__(self, encoder: PreTrainedModel, sizes: HeadSizes) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.sizes = sizes
        self.casing = nn.Embedding(CASINGS, _input_width(encoder))
        nn.init.zeros_(self.casing.weight)  # the encoder starts as it was trained
        self.dropout = nn.Dropout(sizes.dropout)
        self.span_head = SpanHead(width, sizes)
        self.pair_head = PairHead(width, sizes)

    def encode(self, ids: Tensor, casing: Tensor, mask: Tensor) -> Tensor:
        """Last hidden states, float (batch, tokens, width).

        Args:
            ids: token ids, int64 (batch, tokens).
            casing: letter case of each token, int64 (batch, tokens).
            mask: 1 for tokens, 0 for padding, int64 (batch, tokens).
        """
        embedded = self.encoder.get_input_embeddings()(ids) + self.casing(casing)
        return self.dropout(self.encoder(inputs_embeds=embedded, attention_mask=mask).last_hidden_state)

    def span_logits(self, states: Tensor) -> Tensor:
        """Logit of every span, by role and first and last token, float (batch, roles, tokens, tokens)."""
        return self.span_head(states)

    def pair_logits(self, states: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of `labels.CLASSES`, (batch, pairs, classes), and of "the target is a matter", (batch, pairs).

        Args:
            states: from `encode`, float (batch, tokens, width).
            pairs: first and last token of actor, target and sentence, inclusive, int64 (batch, pairs, 6).
        """
        return self.pair_head(states, pairs)


def _input_width(encoder: PreTrainedModel) -> int:
    # Not always the width of the states: ALBERT's and ELECTRA's inputs are narrower.
    weight = encoder.get_input_embeddings().weight
    assert isinstance(weight, Tensor)
    return weight.size(1)


class SpanHead(nn.Module):
    """Biaffine scores of first and last token, a role at a time (Dozat and Manning 2017, arXiv:1611.01734)."""

    def __init__(self, width: int, sizes: HeadSizes) -> None:
        super().__init__()
        self.size = sizes.span
        self.first = nn.Linear(width, len(ROLES) * sizes.span)
        self.last = nn.Linear(width, len(ROLES) * sizes.span)
        self.edges = nn.Linear(width, 2 * len(ROLES))
        nn.init.constant_(self.edges.bias, -2.0)  # most spans are neither

    def forward(self, states: Tensor) -> Tensor:
        """Logits, float (batch, roles, tokens, tokens): [b, r, i, j] is the span from token i to token j."""
        batch, tokens, _ = states.shape
        first = self.first(states).view(batch, tokens, len(ROLES), self.size).transpose(1, 2)
        last = self.last(states).view(batch, tokens, len(ROLES), self.size).transpose(1, 2)
        edges = self.edges(states).view(batch, tokens, 2, len(ROLES)).permute(2, 0, 3, 1)  # (edge, batch, role, token)
        product = first @ last.transpose(2, 3) / self.size**0.5
        return product + edges[0].unsqueeze(3) + edges[1].unsqueeze(2)


class PairHead(nn.Module):
    """An MLP over actor, target, their product, the words between, and what the pair attends to in its sentence."""

    def __init__(self, width: int, sizes: HeadSizes) -> None:
        super().__init__()
        self.heads, self.attention = sizes.attention_heads, sizes.attention
        self.actor = nn.Linear(2 * width, sizes.pair)
        self.target = nn.Linear(2 * width, sizes.pair)
        self.between = nn.Linear(width, sizes.pair)
        self.query = nn.Linear(2 * sizes.pair, sizes.attention)
        self.key = nn.Linear(width, sizes.attention)
        self.value = nn.Linear(width, sizes.attention)
        self.distance = nn.Embedding(2 * len(DISTANCE_STEPS) + 2, 32)
        self.steps: Tensor
        self.register_buffer("steps", torch.tensor(DISTANCE_STEPS), persistent=False)
        self.dropout = nn.Dropout(sizes.dropout)
        self.hidden = nn.Linear(4 * sizes.pair + sizes.attention + 32, sizes.hidden)
        self.classes = nn.Linear(sizes.hidden, len(CLASSES))
        self.matter = nn.Linear(sizes.pair, 1)

    def forward(self, states: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """See `StanceNetwork.pair_logits`."""
        actor_first, actor_last, target_first, target_last, first, last = pairs.unbind(2)
        actor = nn.functional.gelu(self.actor(_edges(states, actor_first, actor_last)))
        target = nn.functional.gelu(self.target(_edges(states, target_first, target_last)))
        begin = torch.minimum(actor_last, target_last) + 1
        end = torch.maximum(actor_first, target_first)  # exclusive
        between = nn.functional.gelu(self.between(_mean(states, begin, end)))
        context = self._attend(states, torch.cat([actor, target], 2), first, last)
        distance = self.distance(self._distance(actor_first, target_first))
        joined = torch.cat([actor, target, actor * target, between, context, distance], 2)
        hidden = nn.functional.gelu(self.hidden(self.dropout(joined)))
        return self.classes(self.dropout(hidden)), self.matter(target).squeeze(2)

    def _attend(self, states: Tensor, pair: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """What each pair reads in its own sentence, float (batch, pairs, attention)."""
        batch, tokens, _ = states.shape
        split = (batch, -1, self.heads, self.attention // self.heads)
        query = self.query(pair).view(split).transpose(1, 2)  # (batch, heads, pairs, size)
        key = self.key(states).view(split).transpose(1, 2)  # (batch, heads, tokens, size)
        value = self.value(states).view(split).transpose(1, 2)
        scores = query @ key.transpose(2, 3) / (self.attention // self.heads) ** 0.5
        place = torch.arange(tokens, device=states.device)
        inside = (place >= first.unsqueeze(2)) & (place <= last.unsqueeze(2))  # (batch, pairs, tokens)
        weights = scores.masked_fill(~inside.unsqueeze(1), -1e4).softmax(3)
        return (weights @ value).transpose(1, 2).reshape(batch, -1, self.attention)

    def _distance(self, actor: Tensor, target: Tensor) -> Tensor:
        gap = target - actor
        steps = (gap.abs().unsqueeze(2) >= self.steps).sum(2)
        return torch.where(gap >= 0, steps, steps + len(DISTANCE_STEPS) + 1)


def _edges(states: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """States of first and last token side by side, float (batch, pairs, 2 x width)."""
    width = states.size(2)
    pick = [at.unsqueeze(2).expand(-1, -1, width) for at in (first, last)]
    return torch.cat([states.gather(1, at) for at in pick], 2)


def _mean(states: Tensor, begin: Tensor, end: Tensor) -> Tensor:
    """Mean state of tokens [begin, end), zeros where there is none, float (batch, pairs, width)."""
    sums = nn.functional.pad(states.float().cumsum(1), (0, 0, 1, 0))
    pick = [at.unsqueeze(2).expand(-1, -1, states.size(2)) for at in (begin, torch.maximum(begin, end))]
    total = sums.gather(1, pick[1]) - sums.gather(1, pick[0])
    count = (end - begin).clamp(min=1).unsqueeze(2)
    return (total / count).to(states.dtype)


class TorchRuntime:
    """The network behind the protocol of `runtime.Runtime`, for scoring while training.

    Args:
        network: what scores; put into evaluation mode for each call.
    """

    def __init__(self, network: StanceNetwork) -> None:
        self._network = network

    def encode(self, ids: Ints, casing: Ints) -> tuple[Floats, Floats]:
        """See `Runtime.encode`."""
        with self._scoring() as device:
            tensor = torch.from_numpy(ids)[None].to(device)
            states = self._network.encode(tensor, torch.from_numpy(casing)[None].to(device), torch.ones_like(tensor))
            spans = self._network.span_logits(states)
        return states[0].float().numpy(force=True), spans[0].float().numpy(force=True)

    def score_pairs(self, states: Floats, pairs: Ints) -> tuple[Floats, Floats]:
        """See `Runtime.score_pairs`."""
        with self._scoring() as device:
            inputs = torch.from_numpy(states)[None].to(device), torch.from_numpy(pairs)[None].to(device)
            classes, matters = self._network.pair_logits(*inputs)
        return classes[0].float().numpy(force=True), matters[0].float().numpy(force=True)

    @contextmanager
    def _scoring(self) -> Iterator[torch.device]:
        self._network.eval()
        with torch.inference_mode():
            yield self._network.casing.weight.device
