"""`stancery train` and `stancery evaluate`; what needs torch is imported when training begins."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from stancery.data.split import PARTS, split_by_article
from stancery.training.config import TrainConfig

_DEFAULTS = TrainConfig()
_RATE = click.FloatRange(0, 1, min_open=True)
_DATA_HELP = "Labelled articles, .jsonl or .md, or a folder of them; may be given several times."
_DATA = click.option(
    "--data", multiple=True, required=True, type=click.Path(exists=True, path_type=Path), help=_DATA_HELP
)


@click.command(
    epilog="Example: stancery train --data articles.jsonl --data more/ --out my-model",
)
@_DATA
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Model folder to write.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of an interrupted run.")
@click.option("--base", default=_DEFAULTS.base, show_default=True, help="Encoder (hub name or folder), or `default`.")
@click.option("--name", default=None, help="Name of the model; by default that of the folder.")
@click.option("--version", default=_DEFAULTS.version, show_default=True, help="Version of the model.")
@click.option("--epochs", default=_DEFAULTS.epochs, show_default=True, type=click.IntRange(1), help="At most.")
@click.option(
    "--patience",
    default=_DEFAULTS.patience,
    show_default=True,
    type=click.IntRange(1),
    help="Epochs without a better validation score before it stops.",
)
@click.option(
    "--batch-tokens",
    default=_DEFAULTS.batch_tokens,
    show_default=True,
    type=click.IntRange(1),
    help="Tokens a step at most.",
)
@click.option(
    "--encoder-rate", default=_DEFAULTS.encoder_rate, show_default=True, type=_RATE, help="Peak rate of the encoder."
)
@click.option("--head-rate", default=_DEFAULTS.head_rate, show_default=True, type=_RATE, help="Peak rate of the heads.")
@click.option(
    "--encoder-dropout",
    default=_DEFAULTS.encoder_dropout,
    show_default=True,
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of hidden values dropped.",
)
@click.option(
    "--seed",
    default=_DEFAULTS.seed,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),
    help="Of weights, order and dropout.",
)
@click.option("--by-part/--by-id", default=True, help="Hold out what `part` says (where given), or a tenth each by id.")
@click.option("--bf16/--no-bf16", default=None, help="bfloat16; by default where the processor has it.")
def train(data: tuple[Path, ...], out: Path, resume: bool, name: str | None, **settings: Any) -> None:
    """Fine-tune an encoder on labelled articles and write a model folder.

    Articles are held out to stop early and to calibrate: those whose `part` says so, else a tenth each.
    """
    from stancery.training.run import checkpoint_folder
    from stancery.training.run import train as run_training

    config = replace(_DEFAULTS, name=name or out.name, **settings)
    try:
        run_training(data, out, config, resume, click.echo)
    except KeyboardInterrupt:
        click.echo(
            f"\nStopped. Checkpoints lie in {checkpoint_folder(out)}; the same command with --resume goes on.", err=True
        )
        raise SystemExit(1) from None
    click.echo(f"The model is in {out}. Try it: stancery predict --model {out} article.txt")


@click.command(epilog="Example: stancery evaluate --data articles.jsonl --part validation   (or --behaviour)")
@click.option("--data", multiple=True, type=click.Path(exists=True, path_type=Path), help=_DATA_HELP)
@click.option("--behaviour", is_flag=True, help="Run the behaviour suite instead: pass rates by capability.")
@click.option(
    "--suite",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another suite: a folder of CAPABILITY.jsonl.",
)
@click.option("--failures", is_flag=True, help="List the cases of the suite that fail.")
@click.option("--model", type=click.Path(path_type=Path), help="Model folder; by default the shipped one.")
@click.option("--part", type=click.Choice(PARTS), help="Only the articles whose `part` is this.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="Least confidence; by default the model's own.")
def evaluate(
    data: tuple[Path, ...],
    behaviour: bool,
    suite: Path | None,
    failures: bool,
    model: Path | None,
    part: str | None,
    threshold: float | None,
) -> None:
    """Score a model on labelled articles, with 95% bootstrap intervals over articles, or by the behaviour suite."""
    if bool(data) == behaviour:
        raise click.UsageError("Give either --data FILE (labelled articles to score on) or --behaviour.")
    if behaviour and part or data and (suite or failures):
        raise click.UsageError("--part goes with --data, --suite and --failures go with --behaviour.")
    from stancery.model.classifier import Classifier

    if behaviour:
        from stancery.training.behaviour import SUITE, pass_table, read_cases, run_cases

        cases = read_cases(suite or SUITE)
        passed = run_cases(Classifier.load(model), cases, threshold)
        for case in cases:
            if failures and not passed[case.id]:
                click.echo(f"{case.id}: {case.text}")
        click.echo(pass_table(cases, passed))
        return
    from stancery.data.read import read_articles
    from stancery.model.errors import DataError
    from stancery.training.card import score_table
    from stancery.training.evaluate import complete, predict
    from stancery.training.evaluate import evaluate as score_articles

    articles = read_articles(data)
    if part:
        articles = split_by_article(articles)[part]
    articles = complete(articles)
    if not articles:
        raise DataError(
            [f"no complete article{f' of part {part!r}' if part else ''} to score; name other files or parts"]
        )
    classifier = Classifier.load(model)
    click.echo(score_table(score_articles(articles, predict(classifier, articles, threshold))))
