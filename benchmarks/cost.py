"""What an article costs in the network, against encoding each of its sentences alone and unpadded.

Usage: python benchmarks/cost.py ARTICLES.jsonl [--model DIR] [--rounds 5]

Both run in ONNX Runtime on one thread, taking turns article by article. The network: windows with their context, spans,
pairs and decoding. The other: the encoder alone, cut out of the same graph. Sentences as the splitter gives them.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime

from stancery.data.read import read_articles
from stancery.model.classifier import DEFAULT_MODEL
from stancery.model.decode import candidate_pairs, decode
from stancery.model.encode import Window, WindowEncoder
from stancery.model.folder import open_folder
from stancery.model.runtime import ENCODER_FILE, OnnxRuntime
from stancery.model.sentences import split_sentences


def main() -> None:
    """Print the seconds of both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 100), metavar="N")
    options = parser.parse_args()
    opened = open_folder(options.model)
    settings = opened.config.decode
    encoder = WindowEncoder(opened.tokenizer, opened.config.max_tokens, opened.config.context_tokens)
    runtime, bare = OnnxRuntime(opened.path), bare_encoder(opened.path)

    def network(windows: list[Window]) -> None:
        for window in windows:
            states, spans = runtime.encode(window.ids, window.casing)
            candidates = candidate_pairs(window, spans, settings)
            if len(candidates.pairs):
                decode(window, candidates, *runtime.score_pairs(states, candidates.pairs), settings)

    def alone(windows: list[Window]) -> None:
        for window in windows:
            bare.run(None, {"ids": window.ids[None], "casing": window.casing[None]})

    work = []
    for gold in read_articles([options.articles]):
        text = gold.article.text
        spans = split_sentences(text)
        # A sentence too long for one window is cut in both.
        work.append((encoder.windows(text, spans), [w for span in spans for w in encoder.windows(text, [span])]))
    rounds = [measure(work, network, alone, n % 2 == 0) for n in range(options.rounds + 1)][1:]
    ratios = [whole / single for whole, single in rounds]
    print(
        f"{len(work)} articles, {sum(len(single) for _, single in work)} sentences, {options.rounds} rounds, one thread"
    )
    print(f"network {statistics.median(r[0] for r in rounds):.2f} s, sentences alone", end=" ")
    print(f"{statistics.median(r[1] for r in rounds):.2f} s, medians")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def measure(
    work: list[tuple[list[Window], list[Window]]],
    network: Callable[[list[Window]], None],
    alone: Callable[[list[Window]], None],
    network_first: bool,
) -> tuple[float, float]:
    """Seconds of the network over the windows, and of the encoder over the sentences, article by article."""
    seconds, runs = [0.0, 0.0], (network, alone)
    for article in work:
        for n in (0, 1) if network_first else (1, 0):
            begin = time.perf_counter()
            runs[n](article[n])
            seconds[n] += time.perf_counter() - begin
    return seconds[0], seconds[1]


def bare_encoder(folder: Path) -> onnxruntime.InferenceSession:
    """The graph up to the last hidden states, without the span head."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / ENCODER_FILE
        onnx.utils.extract_model(str(folder / ENCODER_FILE), str(path), ["ids", "casing"], ["states"])
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
