"""Settings of a training run."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stancery.model.heads import HeadSizes


@dataclass(frozen=True)
class TrainConfig:
    """What `stancery train` can be told; every default works on two cores.

    Args:
        base: Hugging Face encoder by hub name or folder, or `default`: the weights of the shipped model.
        name: of the model.
        version: of the model.
        epochs: passes over the data at most.
        patience: epochs without a better validation score after which training stops.
        batch_tokens: tokens a step at most, padding included.
        encoder_rate: peak learning rate of the encoder.
        head_rate: peak learning rate of everything else.
        warmup: share of the steps in which the rates rise.
        encoder_dropout: share of the encoder's hidden values that are dropped while it learns.
        weight_decay: of AdamW.
        span_weight: of the span loss beside the pair loss.
        max_tokens: tokens of a window.
        context_tokens: tokens of the text before it that a window shows.
        seed: of weights, order and dropout.
        bf16: autocast to bfloat16; None: where the processor has it.
        validation: share of the articles that validate, where they have no `part`.
        calibration: share that calibrates, likewise.
        by_part: heed the articles' `part`; else hold out by their id.
        heads: sizes of the heads.
    """

    base: str = "sentence-transformers/all-MiniLM-L6-v2"
    name: str = "stancery"
    version: str = "1.0.0"
    epochs: int = 12
    patience: int = 4
    batch_tokens: int = 1100
    encoder_rate: float = 1.5e-4
    head_rate: float = 6e-4
    warmup: float = 0.1
    encoder_dropout: float = 0.1
    weight_decay: float = 0.01
    span_weight: float = 1.0
    max_tokens: int = 192
    context_tokens: int = 48
    seed: int = 1
    bf16: bool | None = None
    validation: float = 0.1
    calibration: float = 0.1
    by_part: bool = True
    heads: HeadSizes = field(default_factory=HeadSizes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return asdict(self)


@dataclass(frozen=True)
class TrainPaths:
    """Where a run reads and writes.

    Args:
        data: files or folders of labelled articles.
        out: the model folder, written when the run is done.
        work: checkpoints and logs.
    """

    data: tuple[Path, ...]
    out: Path
    work: Path
