"""The network as a model folder: graphs for ONNX Runtime, fp16 weights, tokenizer, configuration, card."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from stancery.model.errors import ModelError
from stancery.model.folder import (
    CONFIG_FILE,
    HASHED_FILES,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    ModelConfig,
    config_json,
    file_sha256,
    read_config,
)
from stancery.model.heads import HeadSizes
from stancery.model.network import StanceNetwork
from stancery.model.runtime import ENCODER_FILE, PAIRS_FILE

OPSET = 17

BLOCK = 32  # values that share a scale

# Encoders whose pooler we leave out: unused weight.
POOLED = ("bert", "roberta")


class _EncoderGraph(nn.Module):
    """One window without padding: ids and casing in; states and span logits out."""

    def __init__(self, network: StanceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, casing: Tensor) -> tuple[Tensor, Tensor]:
        states = self.network.encode(ids, casing, torch.ones_like(ids))
        return states, self.network.span_logits(states)


class _PairsGraph(nn.Module):
    def __init__(self, network: StanceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, states: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.pair_logits(states, pairs)


def export_graphs(network: StanceNetwork, folder: Path, quantised: bool = True) -> None:
    """Write the two graphs.

    Args:
        network: what to export; put into evaluation mode.
        folder: where to; must exist.
        quantised: weights of the encoder's graph as int8 per channel, activations quantised as they come.
    """
    network.eval()
    generator = np.random.default_rng(0)
    ids = torch.from_numpy(generator.integers(5, network.encoder.config.vocab_size, (1, 24)))
    casing = torch.from_numpy(generator.integers(0, 4, (1, 24)))
    states = torch.zeros(1, 24, network.encoder.config.hidden_size)
    pairs = torch.tensor([[[2, 3, 6, 6, 1, 12], [6, 6, 2, 3, 1, 12]]])
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / ENCODER_FILE
        _export(_EncoderGraph(network), (ids, casing), plain, ("ids", "casing"), ("states", "spans"), tokens=(0, 1))
        _export(_PairsGraph(network), (states, pairs), folder / PAIRS_FILE, ("states", "pairs"), ("classes", "matters"))
        if quantised:
            _quantise(plain, folder / ENCODER_FILE)
        else:
            shutil.copyfile(plain, folder / ENCODER_FILE)


def _export(
    graph: nn.Module,
    inputs: tuple[Tensor, ...],
    path: Path,
    names: tuple[str, str],
    results: tuple[str, str],
    tokens: tuple[int, ...] = (0,),
) -> None:
    axes = {name: {1: "tokens" if n in tokens else "pairs"} for n, name in enumerate(names)}
    axes |= {results[0]: {1: axes[names[-1]][1]}, results[1]: {1: "pairs"}}
    if "spans" in results:
        axes["spans"] = {2: "tokens", 3: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every Python branch
        torch.onnx.export(
            graph.eval(),
            inputs,
            str(path),
            input_names=list(names),
            output_names=list(results),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def _quantise(source: Path, out: Path) -> None:
    """Weights as int8 per channel; activations too, save before the wide layers, whose outliers lose too much.

    On the validation articles activations quantised everywhere moved a probability by 0.13 at the 99th percentile and
    cost 0.02 of triple F1 (benchmarks/fidelity.py).
    """
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        logging.disable(logging.WARNING)  # it advises to preprocess what was preprocessed
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        wide = _wide_products(onnx.load(str(prepared)))
        quantize_dynamic(
            str(prepared), str(out), per_channel=True, weight_type=QuantType.QInt8, nodes_to_exclude=sorted(wide)
        )
        logging.disable(logging.NOTSET)
    graph = onnx.load(str(out))
    for name in wide.values():
        _store_as_int8(graph, name)
    onnx.save(graph, str(out))


def _wide_products(graph: onnx.ModelProto) -> dict[str, str]:
    """Products with a weight that is wider than high or higher than wide (feed-forward layers), and their weights."""
    shapes = {weight.name: tuple(weight.dims) for weight in graph.graph.initializer}
    found = {}
    for node in graph.graph.node:
        shape = shapes.get(node.input[1]) if node.op_type == "MatMul" else None
        if shape and max(shape) > 2 * min(shape) and shape[0] % BLOCK == 0 and "/layer" in node.name:
            found[node.name] = node.input[1]
    return found


def _store_as_int8(graph: onnx.ModelProto, name: str) -> None:
    """Keep a weight as int8, a scale for every `BLOCK` values of a column; it is float32 once the graph is loaded."""
    weight = next(found for found in graph.graph.initializer if found.name == name)
    height, width = weight.dims
    blocks = numpy_helper.to_array(weight).reshape(-1, BLOCK, width).transpose(0, 2, 1).reshape(-1, BLOCK)
    scales = np.abs(blocks).max(axis=1).clip(1e-12) / 127
    stored = {
        f"{name}_int8": np.round(blocks / scales[:, None]).astype(np.int8),
        f"{name}_scale": scales.astype(np.float32),
        f"{name}_split": np.array([height // BLOCK, width, BLOCK]),
        f"{name}_shape": np.array([height, width]),
    }
    graph.graph.initializer.remove(weight)
    graph.graph.initializer.extend(numpy_helper.from_array(value, key) for key, value in stored.items())
    steps = [
        helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [f"{name}_rows"], axis=0),
        helper.make_node("Reshape", [f"{name}_rows", f"{name}_split"], [f"{name}_blocks"]),
        helper.make_node("Transpose", [f"{name}_blocks"], [f"{name}_columns"], perm=[0, 2, 1]),
        helper.make_node("Reshape", [f"{name}_columns", f"{name}_shape"], [name]),
    ]
    for step in reversed(steps):
        graph.graph.node.insert(0, step)


def save_weights(network: StanceNetwork, path: Path) -> None:
    """Round the network's weights to fp16, in place, and write them, so that graph and file hold the same."""
    rounded = {name: weight.half().contiguous() for name, weight in network.state_dict().items()}
    save_file(rounded, str(path))
    network.load_state_dict({name: weight.float() for name, weight in rounded.items()})


def load_network(folder: Path) -> tuple[StanceNetwork, Tokenizer]:
    """The network and tokenizer of a model folder, to be trained further or compared with its graph.

    Raises:
        ModelError: the folder is missing, damaged or of another format version.
    """
    config = read_config(folder)
    try:
        settings = dict(config.encoder)
        encoder_config = AutoConfig.for_model(settings.pop("model_type"), **settings)
        pooler = {"add_pooling_layer": False} if encoder_config.model_type in POOLED else {}
        encoder = AutoModel.from_config(encoder_config, attn_implementation="eager", **pooler)
        network = StanceNetwork(encoder, HeadSizes(**config.heads))
        weights = load_file(str(folder / WEIGHTS_FILE))
        network.load_state_dict({name: weight.float() for name, weight in weights.items()})
    except (OSError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"The weights of {folder} cannot be read ({error}). Copy or train the model again.") from None
    return network, Tokenizer.from_file(str(folder / TOKENIZER_FILE))


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when the block ends well, so that nothing half-written is served."""
    stage = out.with_name(f".{out.name}.partial")
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    yield stage
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    stage.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def write_config(folder: Path, config: ModelConfig) -> ModelConfig:
    """Write config.json with the hashes of the files that lie there."""
    config = replace(config, files={name: file_sha256(folder / name) for name in HASHED_FILES})
    (folder / CONFIG_FILE).write_text(config_json(config) + "\n", encoding="utf-8")
    return config


def encoder_settings(network: StanceNetwork) -> dict[str, Any]:
    """What `load_network` needs to build the encoder again."""
    settings: dict[str, Any] = network.encoder.config.to_diff_dict()
    kept = {key: value for key, value in settings.items() if key not in ("architectures", "_name_or_path", "dtype")}
    return {"model_type": network.encoder.config.model_type, **kept}
