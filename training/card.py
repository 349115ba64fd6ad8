"""The model card, in the Hub's format: front matter, then what the model is, how good, and for what not."""

from collections.abc import Mapping, Sequence

import yaml

from stancery.model.folder import ModelConfig
from stancery.training.evaluate import Score
from stancery.training.reliability import LEAST_CONFIDENCE, OperatingPoint, Reliability
from stancery.training.report import error_text, point_cells

_TEXT = """
# {name} {version}

Reads news and says who stands where: labels every sentence of an article with triples (actor, stance, target), where
the stance is `supports`, `pressures` or `condemns`, with a PLOVER root code and a calibrated confidence.

- Base encoder: {base}
- Trained on: {training_data}
- Default threshold: {threshold}{chosen}.

```python
from stancery.model import Article, Classifier

labelled = Classifier.load("path/to/this/folder").label(Article("Oslo condemned the raid."))
```

{measured}## Limits

English news. It finds stances of participants who are named, described or meant by a pronoun in the sentence itself,
and does not say whom a pronoun means. It reads what is written: a false report is labelled like a true one.
Do not decide about a person by its labels alone.
"""


_MEASURED = """## Scores

On {articles} validation articles, by which the weights were chosen. F1 with its 95% bootstrap interval over articles.

{table}

`triple_exact`: stance and both spans right to the character. `triple`: spans agree. `actor_stance`: the
target is ignored. `stance`: the sentence carries the stance at all. `code`: of matched triples.

## Mistakes

What was missed and what was made up on the validation articles, each mistake under the first group that fits it.

{mistakes}

## Confidence

Expected calibration error of triples with confidence of {least} or more:

{reliability}

| precision wanted | threshold | precision | recall |
| ---------------- | --------- | --------- | ------ |
{points}

The thresholds were chosen on the calibration articles, cross-fitted; precision and recall are those of the validation
articles. `report.html` beside this card has the reliability diagrams.

"""


def model_card(
    config: ModelConfig,
    scores: Mapping[str, Score],
    articles: int,
    reliability: Sequence[Reliability],
    points: Sequence[OperatingPoint],
    mistakes: str,
) -> str:
    """README.md of a model folder; without `scores`, what was measured is left out."""
    front = {
        "language": "en",
        "license": "apache-2.0",
        "library_name": "stancery",
        "pipeline_tag": "token-classification",
        "base_model": config.base,
        "tags": ["stance-detection", "event-extraction", "news", "onnx"],
    }
    measured = _MEASURED.format(
        articles=articles,
        table=score_table(scores),
        mistakes=mistakes,
        least=LEAST_CONFIDENCE,
        reliability="\n".join(f"- {part.source}: {error_text(part)}" for part in reliability),
        points="\n".join(f"| {p.wanted:.0%} | {' | '.join(point_cells(p))} |" for p in points),
    )
    text = _TEXT.format(
        name=config.name,
        version=config.version,
        base=config.base,
        training_data="; ".join(config.training_data),
        threshold=config.decode.threshold,
        chosen=", the confidence of best triple F1 on the calibration articles" if scores else "",
        measured=measured if scores else "",
    )
    return f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n{text}"


def score_table(scores: Mapping[str, Score]) -> str:
    """The scores as a Markdown table."""
    head = ("", "precision", "recall", "F1", "95% interval", "gold", "predicted")
    rows = [_row(name, score) for name, score in scores.items()]
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(row, widths) for row in [head, rule, *rows])


def _row(name: str, score: Score) -> tuple[str, ...]:
    numbers = (
        f"{score.precision:.3f}",
        f"{score.recall:.3f}",
        f"{score.f1:.3f}",
        f"{score.low:.3f} to {score.high:.3f}",
    )
    return (name, *numbers, str(score.gold), str(score.predicted))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
    return "| " + " | ".join(cells) + " |"
