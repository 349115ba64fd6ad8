"""Real parts, made tiny and seeded: an encoder with its tokenizer, a network, a model folder."""

import string
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from stancery.model.classifier import Classifier
from stancery.model.decode import DecodeSettings
from stancery.model.encode import WindowEncoder
from stancery.model.folder import TOKENIZER_FILE, WEIGHTS_FILE, ModelConfig
from stancery.model.heads import HeadSizes
from stancery.model.network import StanceNetwork
from stancery.training.config import TrainConfig
from stancery.training.export import encoder_settings, export_graphs, save_weights, write_config
from stancery.training.train import build_network, load_tokenizer

pytest_plugins = ["commanding", "serving"]  # their fixtures; so pytest also explains their asserts

TINY_HEADS = HeadSizes(span=8, pair=8, attention=8, attention_heads=2, hidden=8)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

ARTICLE = (
    "Oslo condemned the raid on Tuesday. Riga and Tartu urged Minsk to free the two reporters, “at once”.\n\n"
    "The minister praised Tartu. She met nobody."
)


def tiny_tokenizer() -> Tokenizer:
    """WordPiece of single letters: every text has tokens, and words have several."""
    letters = string.ascii_lowercase + string.digits
    marks = string.punctuation + "“”’…"
    vocabulary = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *marks]
    tokenizer = Tokenizer(models.WordPiece({token: n for n, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory) -> Path:
    """A folder as the Hub gives it: a two-layer BERT of width 16 and its tokenizer."""
    folder = tmp_path_factory.mktemp("tiny-base")
    tokenizer = tiny_tokenizer()
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=256,
    )
    BertModel(config).save_pretrained(folder)
    special = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_config(tiny_base) -> TrainConfig:
    """Settings of a run that takes seconds."""
    return TrainConfig(base=str(tiny_base), name="tiny", heads=TINY_HEADS, max_tokens=96, context_tokens=16, epochs=2)


@pytest.fixture(scope="session")
def tiny_network(tiny_config) -> StanceNetwork:
    """Untrained, seeded."""
    return build_network(tiny_config).eval()


@pytest.fixture(scope="session")
def tiny_encoder(tiny_base, tiny_config) -> WindowEncoder:
    """Cuts articles into windows of 96 tokens."""
    return WindowEncoder(load_tokenizer(str(tiny_base)), tiny_config.max_tokens, tiny_config.context_tokens)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory, tiny_network, tiny_config, tiny_base) -> Path:
    """A whole model folder, so eager that every sentence of two words gets triples."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    folder.mkdir()
    save_weights(tiny_network, folder / WEIGHTS_FILE)
    export_graphs(tiny_network, folder)
    load_tokenizer(str(tiny_base)).save(str(folder / TOKENIZER_FILE))
    config = ModelConfig(
        name="tiny",
        version="0.0.1",
        base="tiny-base",
        max_tokens=tiny_config.max_tokens,
        context_tokens=tiny_config.context_tokens,
        decode=replace(DecodeSettings(), span_threshold=1e-4, max_candidates=3, threshold=0.01),
        encoder=encoder_settings(tiny_network),
        heads=tiny_config.heads.as_dict(),
    )
    write_config(folder, config)
    return folder


@pytest.fixture(scope="session")
def tiny_classifier(tiny_model) -> Classifier:
    """The tiny model, loaded as a user would."""
    return Classifier.load(tiny_model)
