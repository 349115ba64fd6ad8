"""Widths of the network's heads, known without torch."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class HeadSizes:
    """Widths of the heads.

    Args:
        span: of the start and end vectors of a role.
        pair: of the vectors of actor, target and the words between them.
        attention: of the pair's own attention over the sentence, all heads together.
        attention_heads: how many it has.
        hidden: of the last layer before the classes.
        dropout: probability, before every head.
    """

    span: int = 96
    pair: int = 128
    attention: int = 128
    attention_heads: int = 4
    hidden: int = 192
    dropout: float = 0.1

    def as_dict(self) -> dict[str, float]:
        """The sizes as config.json holds them."""
        return asdict(self)
