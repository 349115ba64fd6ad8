"""How far the exported graphs are from torch: probabilities, and triple F1 on labelled articles.

Usage: python benchmarks/fidelity.py ARTICLES.jsonl [--part validation] [--model DIR]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from stancery.data.read import read_articles
from stancery.data.schema import GoldArticle
from stancery.data.split import PARTS, split_by_article
from stancery.model.classifier import DEFAULT_MODEL, Classifier
from stancery.model.decode import DecodeSettings, candidate_pairs, class_probabilities, group_probabilities
from stancery.model.encode import WindowEncoder
from stancery.model.folder import open_folder
from stancery.model.network import TorchRuntime
from stancery.model.runtime import OnnxRuntime, Runtime
from stancery.training.evaluate import evaluate, predict
from stancery.training.export import export_graphs, load_network


def main() -> None:
    """Print the differences of both graphs, and their F1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    options = parser.parse_args()
    articles = read_articles([options.articles])
    if options.part:
        articles = split_by_article(articles)[options.part]
    network, tokenizer = load_network(options.model)
    config = open_folder(options.model).config
    encoder = WindowEncoder(tokenizer, config.max_tokens, config.context_tokens)
    with tempfile.TemporaryDirectory() as folder:
        export_graphs(network, Path(folder), quantised=False)
        runtimes = {
            "torch fp32": TorchRuntime(network),
            "exported, unquantised": OnnxRuntime(Path(folder)),
            "exported, quantised": OnnxRuntime(options.model),
        }
    truth, *others = runtimes.values()
    print(f"{'':24}{'pairs':>8}{'largest':>11}{'99th pct':>11}{'triple F1':>11}   of the differences of a probability")
    for name, runtime in runtimes.items():
        gaps = differences(truth, runtime, encoder, articles, config.decode.temperature)
        f1 = evaluate(articles, predict(Classifier(runtime, encoder, config), articles))["triple"].f1
        print(f"{name:24}{len(gaps):8}{gaps.max():11.6f}{np.quantile(gaps, 0.99):11.6f}{f1:11.4f}")


def differences(
    truth: Runtime, other: Runtime, encoder: WindowEncoder, articles: list[GoldArticle], temperature: float
) -> np.ndarray:
    """Absolute differences of the probability of each stance and "none", of every candidate pair of torch, flat."""
    found = []
    for gold in articles:
        for window in encoder.windows(gold.article.text, gold.sentence_spans()):
            states, spans = truth.encode(window.ids, window.casing)
            pairs = candidate_pairs(window, spans, DecodeSettings()).pairs
            if len(pairs):
                groups = [
                    group_probabilities(class_probabilities(runtime.score_pairs(own, pairs)[0], temperature))
                    for runtime, own in ((truth, states), (other, other.encode(window.ids, window.casing)[0]))
                ]
                found.append(np.abs(groups[0] - groups[1]).ravel())
    return np.concatenate(found)


if __name__ == "__main__":
    main()
