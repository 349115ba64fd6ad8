"""Sentences a second: the served graph against the same network in plain torch fp32, interleaved in one process.

Usage: python benchmarks/speed.py ARTICLES.jsonl [--model DIR] [--rounds 5]
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from stancery.data.read import read_articles
from stancery.model.article import Article
from stancery.model.classifier import DEFAULT_MODEL, Classifier
from stancery.model.encode import WindowEncoder
from stancery.model.network import TorchRuntime
from stancery.model.sentences import split_sentences
from stancery.training.export import load_network


def main() -> None:
    """Print a table of medians, spread and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    articles = [gold.article for gold in read_articles([options.articles])]
    sentences = sum(len(split_sentences(article.text)) for article in articles)
    served = Classifier.load(options.model)
    variants = {
        "torch fp32, one window after the other": torch_classifier(options.model, served).label_all,
        "stancery predict": served.label_all,
    }
    rates = measure(variants, articles, sentences, options.rounds)
    base = statistics.median(next(iter(rates.values())))
    print(f"{len(articles)} articles, {sentences} sentences, {options.rounds} rounds, {os.cpu_count()} cores")
    print(f"{'':40}{'median':>12}{'least':>8}{'most':>8}{'ratio':>8}")
    for name, found in rates.items():
        middle = statistics.median(found)
        print(f"{name:40}{middle:8.1f} s/s{min(found):8.1f}{max(found):8.1f}{middle / base:8.2f}")


def torch_classifier(folder: Path, served: Classifier) -> Classifier:
    """The network of the folder in torch fp32, which uses all cores within a window."""
    network, tokenizer = load_network(folder)
    torch.set_num_threads(os.cpu_count() or 1)
    encoder = WindowEncoder(tokenizer, served.config.max_tokens, served.config.context_tokens)
    return Classifier(TorchRuntime(network), encoder, served.config, threads=1)


def measure(
    variants: dict[str, Callable[[list[Article]], object]], articles: list[Article], sentences: int, rounds: int
) -> dict[str, list[float]]:
    """Sentences a second of each variant and round; the variants take turns, so that all meet the same neighbours."""
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for label_all in variants.values():
        list(label_all(articles[:2]))
    for _ in range(rounds):
        for name, label_all in variants.items():
            begin = time.perf_counter()
            list(label_all(articles))
            rates[name].append(sentences / (time.perf_counter() - begin))
    return rates


if __name__ == "__main__":
    main()
