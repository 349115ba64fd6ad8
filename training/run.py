"""A whole run: read, split, train, export, calibrate, score, write the model folder."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from stancery.data.read import read_articles
from stancery.data.schema import GoldArticle
from stancery.data.split import split_by_article
from stancery.model.classifier import DEFAULT_MODEL, Classifier
from stancery.model.decode import DecodeSettings
from stancery.model.encode import WindowEncoder
from stancery.model.errors import DataError, SettingsError
from stancery.model.folder import CARD_FILE, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE, ModelConfig, read_config
from stancery.model.network import StanceNetwork
from stancery.model.runtime import OnnxRuntime
from stancery.training.calibrate import LOW_THRESHOLD, calibrate, choose_threshold, cross_fitted
from stancery.training.card import model_card, score_table
from stancery.training.config import TrainConfig
from stancery.training.evaluate import Score, complete, evaluate, predict
from stancery.training.export import encoder_settings, export_graphs, load_network, save_weights, staged, write_config
from stancery.training.mistakes import mistake_table, mistakes
from stancery.training.reliability import OperatingPoint, Reliability, answers, bins, operating_points
from stancery.training.report import REPORT_FILE, report
from stancery.training.train import build_network, drop_out, fit, load_tokenizer

Parts = Mapping[str, Sequence[GoldArticle]]


def train(
    data: Sequence[Path], out: Path, config: TrainConfig, resume: bool, say: Callable[[str], object]
) -> dict[str, Score]:
    """Train on labelled articles, write a model folder, and score it on the validation articles.

    Args:
        data: files or folders of labelled articles.
        out: the model folder; an older one is replaced once the new one is whole. Checkpoints lie beside it.
        config: base, rates, sizes, seed.
        resume: go on from the last checkpoint, if there is one.
        say: tells what is being done, a line at a time.

    Raises:
        DataError: the files have problems, or too few articles to hold some out.
        StanceryError: the base encoder cannot be loaded.
    """
    check_out(out)
    articles = read_articles(data)
    parts = split_by_article(articles, config.validation, config.calibration, config.by_part)
    _check_parts(parts)
    say(", ".join(f"{len(held)} articles for {part}" for part, held in parts.items()))
    network, tokenizer = load_base(config)
    drop_out(network, config.encoder_dropout)
    work = checkpoint_folder(out)
    if not resume:
        shutil.rmtree(work, ignore_errors=True)  # else a later --resume would go on from an older run
    encoder = WindowEncoder(tokenizer, config.max_tokens, config.context_tokens)
    fit(network, encoder, config, parts["train"], parts["validation"], work)
    network.to(torch.device("cpu"))
    say("exporting, calibrating and scoring")
    with staged(out) as stage:
        scores = write_model(stage, network, tokenizer, config, parts)
    shutil.rmtree(work, ignore_errors=True)
    say(score_table(scores))
    return scores


def write_model(
    folder: Path, network: StanceNetwork, tokenizer: Tokenizer, config: TrainConfig, parts: Parts
) -> dict[str, Score]:
    """Everything that lies in a model folder; the scores of the exported graph on the validation articles."""
    save_weights(network, folder / WEIGHTS_FILE)
    export_graphs(network, folder)
    tokenizer.save(str(folder / TOKENIZER_FILE))
    encoder = WindowEncoder(tokenizer, config.max_tokens, config.context_tokens)
    runtime = OnnxRuntime(folder)
    described = ModelConfig(
        name=config.name,
        version=config.version,
        base=_base_name(config.base),
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        decode=DecodeSettings(),
        encoder=encoder_settings(network),
        heads=network.sizes.as_dict(),
        training_data=[*_learned_before(config.base), *_sources(parts["train"])],
        pairs_only=not any(gold.complete for gold in parts["train"]),
    )
    described = replace(described, decode=calibrate(runtime, encoder, parts["calibration"]))
    scores: dict[str, Score] = {}
    table = ""
    # What a partial row does not list is unknown, so no threshold and no score can come of it.
    calibration, validation = (complete(parts[part]) for part in ("calibration", "validation"))
    if calibration and validation and not described.pairs_only:
        threshold = choose_threshold(Classifier(runtime, encoder, described), calibration)
        described = replace(described, decode=replace(described.decode, threshold=threshold))
        found = predict(Classifier(runtime, encoder, described), validation)
        scores, table = evaluate(validation, found), mistake_table(*mistakes(validation, found))
    measured = {name: asdict(score) for name, score in scores.items()}
    described = write_config(folder, replace(described, scores={"validation": measured}))
    points: list[OperatingPoint] = []
    reliability: list[Reliability] = []
    if scores:
        cross = cross_fitted(runtime, encoder, described, calibration)
        held = answers(validation, predict(Classifier(runtime, encoder, described), validation, LOW_THRESHOLD))
        points = operating_points(cross, held)
        reliability = [
            Reliability("calibration articles, cross-fitted", bins(cross)),
            Reliability("validation articles", bins(held)),
        ]
    card = model_card(described, scores, len(validation), reliability, points, table)
    (folder / CARD_FILE).write_text(card, encoding="utf-8")
    (folder / REPORT_FILE).write_text(report(described, scores, reliability, points), encoding="utf-8")
    return scores


def load_base(config: TrainConfig) -> tuple[StanceNetwork, Tokenizer]:
    """The network to start from: a model folder of ours as it is, any other encoder with fresh heads."""
    folder = model_folder(config.base)
    return load_network(folder) if folder else (build_network(config), load_tokenizer(config.base))


def model_folder(base: str) -> Path | None:
    """The model folder of ours that a base names, None where it is an encoder's name or folder."""
    folder = DEFAULT_MODEL if base == "default" else Path(base)
    file = folder / CONFIG_FILE
    is_ours = base == "default" or (file.is_file() and "format_version" in json.loads(file.read_text("utf-8")))
    return folder if is_ours else None


def check_out(out: Path) -> None:
    """Refuse to replace anything but a model.

    Raises:
        SettingsError: `out` is no name for a folder, or a folder that holds something else.
    """
    if not out.name or out.name == "..":
        raise SettingsError(f"--out {out} has no name of its own. Name the model's folder, such as {out / 'my-model'}.")
    if out.is_dir() and any(out.iterdir()) and not (out / CONFIG_FILE).is_file():
        raise SettingsError(f"--out {out} holds files that are no model, and would be replaced. Name another folder.")


def checkpoint_folder(out: Path) -> Path:
    """Where a run that writes `out` keeps what it needs to be resumed."""
    return out.with_name(f"{out.name}.checkpoints")


def _base_name(base: str) -> str:
    """What a model may say of its base: a folder's place on this machine means nothing elsewhere."""
    if folder := model_folder(base):
        return read_config(folder).base
    return Path(base).name if Path(base).is_dir() else base


def _check_parts(parts: Parts) -> None:
    if empty := [part for part, held in parts.items() if not held]:
        raise DataError(
            [
                f"no article is left for {' and '.join(empty)}; give more articles (about 30 at least), or say in each "
                'row which part it belongs to: "part": "train", "validation" or "calibration"'
            ]
        )


def _learned_before(base: str) -> list[str]:
    folder = model_folder(base)
    return [*read_config(folder).training_data, "after which it was trained further on"] if folder else []


def _sources(articles: Sequence[GoldArticle]) -> list[str]:
    """What was learned from: the collections that the articles' `source` names, or articles of one's own."""
    counts = Counter(str(gold.extra["source"]).split(" ")[0] if "source" in gold.extra else "" for gold in articles)
    return [f"{count} texts of {source or 'our own'}" for source, count in counts.most_common()]
