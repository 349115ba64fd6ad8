"""Fine-tunes an encoder on labelled articles and writes a model folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer
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
from stancery.training.collate import collate, to_examples, to_features
from stancery.training.config import TrainConfig
from stancery.training.evaluate import best_threshold, predict
from stancery.training.export import POOLED
from stancery.training.loss import TrainableNetwork

LOW_THRESHOLD = 0.05


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
                [{"params": weights, "lr": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()]
            )
        return self.optimizer

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Best triple F1 over all thresholds: calibration comes after training, on articles of its own."""
        f1 = self._validate(self._trainable.network)
        metrics = {f"{metric_key_prefix}_triple_f1": f1}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def build_network(config: TrainConfig) -> StanceNetwork:
    """The network with the pretrained encoder and fresh heads.

    Raises:
        StanceryError: the base is no Hugging Face encoder, or cannot be had.
    """
    base = config.base
    logging.set_verbosity_error()  # that our heads are new is no news
    logging.disable_progress_bar()
    torch.manual_seed(config.seed)
    try:
        # Eager attention is what exports to ONNX.
        encoder = AutoModel.from_pretrained(base, attn_implementation="eager", **_changes(base))
    except (OSError, ValueError) as error:
        raise StanceryError(
            f"The base encoder {base!r} cannot be loaded ({str(error).splitlines()[0]}). "
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


def load_tokenizer(base: str) -> Tokenizer:
    """The tokenizer of a base encoder, as the `tokenizers` library runs it."""
    tokenizer: Tokenizer = Tokenizer.from_str(AutoTokenizer.from_pretrained(base).backend_tokenizer.to_str())
    return tokenizer


def fit(
    network: StanceNetwork,
    encoder: WindowEncoder,
    config: TrainConfig,
    train: Sequence[GoldArticle],
    validation: Sequence[GoldArticle],
    work: Path,
    resume: bool = False,
) -> StanceNetwork:
    """Train until validation stops improving; the network with the best epoch's weights.

    Args:
        network: what learns, in place.
        encoder: cuts articles into windows.
        config: rates, sizes, seed.
        train: what it learns from.
        validation: what decides which epoch is best.
        work: folder for checkpoints.
        resume: go on from the last checkpoint in it.
    """
    dataset = Dataset.from_list([to_features(example) for example in to_examples(train, encoder)])
    arguments = TrainingArguments(
        output_dir=str(work),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_windows,
        learning_rate=config.encoder_rate,
        warmup_steps=config.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        bf16=has_bf16() if config.bf16 is None else config.bf16,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="triple_f1",
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
        validate=lambda current: validation_f1(current, encoder, config, validation),
    )
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(work)) if resume and work.is_dir() else None)
    return network


def validation_f1(
    network: StanceNetwork, encoder: WindowEncoder, config: TrainConfig, articles: Sequence[GoldArticle]
) -> float:
    """Triple F1 at its best threshold."""
    classifier = torch_classifier(network, encoder, config)
    return best_threshold(articles, predict(classifier, articles, LOW_THRESHOLD))[1]


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
