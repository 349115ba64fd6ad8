"""A model folder: what lies in it, and the refusal of one that is missing, incomplete, altered or of another format."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from stancery.model.decode import DecodeSettings
from stancery.model.errors import ModelError
from stancery.model.labels import CLASSES, GROUPS, STANCES
from stancery.model.runtime import ENCODER_FILE, PAIRS_FILE

FORMAT_VERSION = 1
CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE, CARD_FILE = (
    "config.json",
    "tokenizer.json",
    "model.safetensors",
    "README.md",
)
SERVED_FILES = (ENCODER_FILE, PAIRS_FILE, TOKENIZER_FILE)
HASHED_FILES = (*SERVED_FILES, WEIGHTS_FILE)


@dataclass(frozen=True)
class ModelInfo:
    """What a user may want to know of a model; `GET /model` answers it.

    Args:
        name: of the model.
        version: of the model.
        sha256: of its weights, `model.safetensors`.
        base: the encoder it was fine-tuned from.
        training_data: what it learned from.
        scores: measured on held-out articles, by part and score.
        threshold: confidence from which a triple is given.
        pairs_only: whether it was trained on partial rows alone and only scores given pairs.
    """

    name: str
    version: str
    sha256: str
    base: str
    training_data: list[str]
    scores: dict[str, Any]
    threshold: float
    pairs_only: bool
    format_version: int = FORMAT_VERSION
    stances: tuple[str, ...] = tuple(STANCES)
    codes: tuple[str, ...] = CLASSES


@dataclass(frozen=True)
class ModelConfig:
    """What config.json holds.

    Args:
        name: of the model.
        version: of the model.
        base: the encoder it was fine-tuned from.
        max_tokens: tokens of a window.
        context_tokens: tokens of the text before it that a window shows.
        decode: calibration, limits and threshold.
        encoder: configuration of the Hugging Face encoder.
        heads: sizes of the heads.
        training_data: what it learned from.
        scores: measured on held-out articles.
        pairs_only: whether it only scores given pairs.
        files: SHA-256 of each file in hex.
    """

    name: str
    version: str
    base: str
    max_tokens: int
    context_tokens: int
    decode: DecodeSettings
    encoder: dict[str, Any]
    heads: dict[str, Any]
    training_data: list[str] = field(default_factory=list)
    scores: dict[str, Any] = field(default_factory=dict)
    pairs_only: bool = False
    files: dict[str, str] = field(default_factory=dict)

    @property
    def info(self) -> ModelInfo:
        """What of this a user may want to know."""
        return ModelInfo(
            name=self.name,
            version=self.version,
            sha256=self.files.get(WEIGHTS_FILE, ""),
            base=self.base,
            training_data=self.training_data,
            scores=self.scores,
            threshold=self.decode.threshold,
            pairs_only=self.pairs_only,
        )


@dataclass(frozen=True)
class OpenFolder:
    """A checked model folder."""

    path: Path
    config: ModelConfig
    tokenizer: Tokenizer


def open_folder(path: Path) -> OpenFolder:
    """Check and read a model folder.

    Raises:
        ModelError: says which file is missing or altered, or which format version was found.
    """
    config = read_config(path)
    for name in HASHED_FILES:
        if not (path / name).is_file():
            raise ModelError(f"Model folder {path} is incomplete: {name} is missing. Copy or train it again.")
        if file_sha256(path / name) != config.files.get(name):
            raise ModelError(
                f"{path / name} is not the file that config.json names (its SHA-256 differs). Copy or train it again."
            )
    return OpenFolder(path, config, Tokenizer.from_file(str(path / TOKENIZER_FILE)))


def read_config(path: Path) -> ModelConfig:
    """Read config.json of a model folder.

    Raises:
        ModelError: there is none, or it is of another format version or damaged.
    """
    file = path / CONFIG_FILE
    if not file.is_file():
        raise ModelError(f"{path} is no model folder: {CONFIG_FILE} is missing. Name one that `stancery train` wrote.")
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        found = values.pop("format_version")
        labels = values.pop("labels")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} is damaged ({error!r}). Copy or train the model again.") from None
    if found != FORMAT_VERSION:
        raise ModelError(
            f"{path} has format version {found}, this Stancery reads {FORMAT_VERSION}. "
            "Train the model again, or install the Stancery that wrote it."
        )
    if labels != _labels():
        raise ModelError(f"{file} lists other labels than this Stancery has. Train the model again.")
    try:
        return ModelConfig(**{**values, "decode": DecodeSettings.from_dict(values["decode"])})
    except (TypeError, KeyError) as error:
        raise ModelError(f"{file} is damaged ({error}). Copy or train the model again.") from None


def config_json(config: ModelConfig) -> str:
    """The text of config.json."""
    values = {name: getattr(config, name) for name in config.__dataclass_fields__}
    decode = {name: getattr(config.decode, name) for name in config.decode.__dataclass_fields__}
    return json.dumps(
        {"format_version": FORMAT_VERSION, "labels": _labels(), **values, "decode": decode},
        indent=2,
        ensure_ascii=False,
    )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _labels() -> dict[str, list[str]]:
    return {"groups": [str(group) for group in GROUPS], "classes": list(CLASSES)}
