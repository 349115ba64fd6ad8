"""The exported graph behind one small protocol: token ids in, scores out. No torch."""

from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime

from stancery.model.decode import Floats
from stancery.model.encode import Ints

ENCODER_FILE, PAIRS_FILE = "encoder.onnx", "pairs.onnx"


class Runtime(Protocol):
    """Runs the network on one window at a time, so that nothing else in a batch can change its scores.

    Both calls may be made from several threads at once.
    """

    def encode(self, ids: Ints, casing: Ints) -> tuple[Floats, Floats]:
        """States, float32 (tokens, width), and span logits, float32 (roles, tokens, tokens), of int64 (tokens,)."""
        ...

    def score_pairs(self, states: Floats, pairs: Ints) -> tuple[Floats, Floats]:
        """Class logits, float32 (pairs, classes), and matter logits, float32 (pairs,), of int64 (pairs, 6)."""
        ...


class OnnxRuntime:
    """ONNX Runtime on the CPU, one thread a call.

    Args:
        folder: a model folder.
    """

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # windows run side by side instead
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self._encoder = onnxruntime.InferenceSession(folder / ENCODER_FILE, options, providers=providers)
        self._pairs = onnxruntime.InferenceSession(folder / PAIRS_FILE, options, providers=providers)

    def encode(self, ids: Ints, casing: Ints) -> tuple[Floats, Floats]:
        """See `Runtime.encode`."""
        states, spans = self._encoder.run(None, {"ids": ids[None], "casing": casing[None]})
        return np.asarray(states[0]), np.asarray(spans[0])

    def score_pairs(self, states: Floats, pairs: Ints) -> tuple[Floats, Floats]:
        """See `Runtime.score_pairs`."""
        classes, matters = self._pairs.run(None, {"states": states[None], "pairs": pairs[None]})
        return np.asarray(classes[0]), np.asarray(matters[0])
