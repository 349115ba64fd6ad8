"""A whole run: read, split, train, export, calibrate, score, write the model folder."""

import json
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
from stancery.model.errors import DataError
from stancery.model.folder import CARD_FILE, CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE, ModelConfig
from stancery.model.network import StanceNetwork
from stancery.model.runtime import OnnxRuntime
from stancery.training.calibrate import calibrate, choose_threshold
from stancery.training.card import model_card, score_table
from stancery.training.config import TrainConfig
from stancery.training.evaluate import Score, evaluate, predict
from stancery.training.export import encoder_settings, export_graphs, load_network, save_weights, staged, write_config
from stancery.training.train import build_network, fit, load_tokenizer

Parts = Mapping[str, Sequence[GoldArticle]]


def train(
    data: Sequence[Path], out: Path, config: TrainConfig, resume: bool, say: Callable[[str], object]
) -> dict[str, Score]:
    """Train on labelled articles, write a model folder, and score it on the validation articles.

    Args:
        data: files or folders of labelled articles.
        out: the model folder; an older one is replaced once the new one is whole. Checkpoints lie beside it.
        config: base, rates, sizes, seed.
        resume: go on from the last checkpoint.
        say: tells what is being done, a line at a time.

    Raises:
        DataError: the files have problems, or too few articles to hold some out.
        StanceryError: the base encoder cannot be loaded.
    """
    articles = read_articles(data)
    parts = split_by_article(articles, config.validation, config.calibration)
    _check_parts(parts)
    say(", ".join(f"{len(held)} articles for {part}" for part, held in parts.items()))
    network, tokenizer = load_base(config)
    encoder = WindowEncoder(tokenizer, config.max_tokens, config.context_tokens)
    fit(network, encoder, config, parts["train"], parts["validation"], checkpoint_folder(out), resume)
    network.to(torch.device("cpu"))
    say("exporting, calibrating and scoring")
    with staged(out) as stage:
        scores = write_model(stage, network, tokenizer, config, parts)
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
        base=config.base,
        max_tokens=config.max_tokens,
        context_tokens=config.context_tokens,
        decode=DecodeSettings(),
        encoder=encoder_settings(network),
        heads=config.heads.as_dict(),
        training_data=_sources(parts["train"]),
        pairs_only=not any(gold.complete for gold in parts["train"]),
    )
    scores: dict[str, Score] = {}
    if not described.pairs_only:
        described = replace(described, decode=calibrate(runtime, encoder, parts["calibration"]))
        threshold = choose_threshold(Classifier(runtime, encoder, described), parts["calibration"])
        described = replace(described, decode=replace(described.decode, threshold=threshold))
        predicted = predict(Classifier(runtime, encoder, described), parts["validation"])
        scores = evaluate(parts["validation"], predicted)
    validation = {name: asdict(score) for name, score in scores.items()}
    described = write_config(folder, replace(described, scores={"validation": validation}))
    (folder / CARD_FILE).write_text(model_card(described, scores, len(parts["validation"])), encoding="utf-8")
    return scores


def load_base(config: TrainConfig) -> tuple[StanceNetwork, Tokenizer]:
    """The network to start from: a model folder of ours as it is, any other encoder with fresh heads."""
    base = DEFAULT_MODEL if config.base == "default" else Path(config.base)
    file = base / CONFIG_FILE
    if config.base == "default" or (file.is_file() and "format_version" in json.loads(file.read_text("utf-8"))):
        return load_network(base)
    return build_network(config), load_tokenizer(config.base)


def checkpoint_folder(out: Path) -> Path:
    """Where a run that writes `out` keeps what it needs to be resumed."""
    return out.with_name(f"{out.name}.checkpoints")


def _check_parts(parts: Parts) -> None:
    if empty := [part for part, held in parts.items() if not held]:
        raise DataError(
            [
                f"no article is left for {' and '.join(empty)}; give more articles (about 30 at least), or say in each "
                'row which part it belongs to: "part": "train", "validation" or "calibration"'
            ]
        )


def _sources(articles: Sequence[GoldArticle]) -> list[str]:
    """What was learned from: the collections that the articles' `source` names, or articles of one's own."""
    counts = Counter(str(gold.extra["source"]).split(" ")[0] if "source" in gold.extra else "own" for gold in articles)
    return [f"{count} articles of {source}" for source, count in counts.most_common()]
