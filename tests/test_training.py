import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ARTICLE
from safetensors.torch import save_file

from stancery.data.schema import parse_row, to_row
from stancery.model.article import Article, Span
from stancery.model.classifier import Classifier
from stancery.model.decode import DecodeSettings
from stancery.model.errors import ArticleError, DataError, ModelError, SettingsError, StanceryError
from stancery.model.labels import CLASSES, CLASSES_OF_GROUP
from stancery.training.calibrate import fit_confidence, fit_temperature
from stancery.training.collate import collate, from_features, right_classes, to_examples, to_features
from stancery.training.config import TrainConfig
from stancery.training.loss import TrainableNetwork, pair_losses, pair_rows, span_loss
from stancery.training.run import train
from stancery.training.train import average_epochs, build_network, drop_out

SENTENCE = "Oslo condemned Riga and met Tartu."
OSLO, RIGA, TARTU = [0, 4], [15, 19], [28, 33]


def gold(stances, **row):
    parsed = parse_row({"id": "x", "text": SENTENCE, "stances": stances} | row)
    assert not isinstance(parsed, list), parsed
    return parsed


def triple(stance, actor=OSLO, target=RIGA, **more):
    return {"actor": actor, "stance": stance, "target": target, **more}


def only_example(article, encoder):
    (example,) = to_examples([article], encoder)
    return example


def write_articles(path, count=12):
    names = ["Oslo", "Riga", "Tartu", "Minsk"]
    with path.open("w") as file:
        for n in range(count):
            a, b = names[n % 4], names[(n + 1) % 4]
            text = f"{a} condemned {b} today. {b} met {a}."
            stances = [triple("condemns", [0, len(a)], [len(a) + 11, len(a) + 11 + len(b)], code="ACCUSE")]
            part = "train" if n < 8 else "validation" if n < 10 else "calibration"
            file.write(json.dumps({"id": str(n), "text": text, "stances": stances, "part": part}) + "\n")
    return path


def test_one_of_costs_the_sum_of_its_probabilities():
    logits = torch.randn(len(CLASSES))
    right = torch.from_numpy(right_classes(gold([triple(["pressures", "condemns"])]).triples[0]))
    wanted = [*CLASSES_OF_GROUP["pressures"], *CLASSES_OF_GROUP["condemns"]]
    assert right.nonzero().flatten().tolist() == wanted
    torch.testing.assert_close(pair_losses(logits, right), -logits.softmax(0)[wanted].sum().log())


def test_a_code_is_one_class_and_a_stance_without_code_all_of_its_codes():
    with_code, without = gold([triple("condemns", code="ACCUSE"), triple("supports", target=TARTU)]).triples
    assert np.flatnonzero(right_classes(with_code)).tolist() == [CLASSES.index("ACCUSE")]
    assert np.flatnonzero(right_classes(without)).tolist() == list(CLASSES_OF_GROUP["supports"])


def test_a_pair_with_two_stances_counts_once(tiny_encoder):
    example = only_example(gold([triple("condemns"), triple("pressures")]), tiny_encoder)
    assert example.weights.tolist() == [0.5, 0.5]


def test_an_unknown_pair_of_a_partial_row_gives_no_loss(tiny_encoder):
    nothing_found = np.full((2, 60, 60), -9.0, dtype=np.float32)
    partial = only_example(gold([triple("condemns"), triple("none", target=TARTU)], complete=False), tiny_encoder)
    assert len(pair_rows(partial, nothing_found)) == 2
    complete = only_example(gold([triple("condemns"), triple("none", target=TARTU)]), tiny_encoder)
    assert len(pair_rows(complete, nothing_found)) == 6  # three spans, every ordered pair


def test_other_tokens_of_a_partial_row_give_no_span_loss(tiny_encoder):
    example = only_example(gold([triple("condemns")], complete=False), tiny_encoder)
    tokens = len(example.window.ids)
    logits = torch.zeros(1, 2, tokens, tokens, requires_grad=True)
    span_loss(logits, (example,)).backward()
    touched = logits.grad[0].nonzero().tolist()
    first, last, t_first, t_last = example.pairs[0][:4].tolist()
    assert touched == [[0, first, last], [1, t_first, t_last]]
    assert (logits.grad[0] <= 0).all(), "labelled spans count as spans"


def test_a_pair_listed_as_none_lowers_no_stance_but_none(tiny_encoder):
    example = only_example(gold([triple("none")], complete=False), tiny_encoder)
    assert np.flatnonzero(example.classes[0]).tolist() == list(CLASSES_OF_GROUP["none"])
    assert not example.has_stance[0]


def test_sentences_that_are_given_are_used(tiny_encoder):
    article = gold([triple("condemns")], sentences=[[0, 19], [20, 34]])
    segments = only_example(article, tiny_encoder).window.segments
    assert len(segments) == 2


def test_features_survive_the_dataset(tiny_encoder):
    example = only_example(gold([triple("condemns", kind="matter")]), tiny_encoder)
    again = from_features(json.loads(json.dumps(to_features(example))))
    assert to_features(again) == to_features(example)
    assert again.matters.tolist() == [1]


def test_padding_changes_no_loss(tiny_network, tiny_encoder):
    model = TrainableNetwork(tiny_network, 1.0).eval()
    short = gold([triple("condemns")])
    long = gold([triple("condemns")], text=SENTENCE + " Riga denied it all and Tartu said nothing.")
    rows = [to_features(only_example(article, tiny_encoder)) for article in (short, long)]
    with torch.no_grad():
        alone = [float(model(**collate([row]))["loss"]) for row in rows]
        together = float(model(**collate(rows))["loss"])
    sentences = [1, 2]
    assert together == pytest.approx(np.average(alone, weights=sentences), rel=1e-4)


def test_who_does_what_to_whom_is_scored_by_direction(tiny_network):
    states = torch.randn(1, 9, 16)
    there = tiny_network.pair_logits(states, torch.tensor([[[1, 2, 5, 6, 1, 7]]]))[0]
    back = tiny_network.pair_logits(states, torch.tensor([[[5, 6, 1, 2, 1, 7]]]))[0]
    assert there.shape == (1, 1, len(CLASSES))
    assert not torch.allclose(there, back)


def test_tokens_outside_the_sentence_reach_a_pair_only_through_the_encoder(tiny_network):
    states = torch.randn(1, 9, 16)
    pair = torch.tensor([[[2, 2, 4, 4, 2, 5]]])
    before = tiny_network.pair_logits(states, pair)[0]
    states[0, 6:] = 0
    torch.testing.assert_close(before, tiny_network.pair_logits(states, pair)[0])


def test_temperature_and_confidence_are_recovered():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20_000, 4)).astype(np.float32)
    chosen = [generator.choice(4, p=np.exp(row) / np.exp(row).sum()) for row in logits]
    assert fit_temperature(3 * logits, np.eye(4, dtype=bool)[chosen]) == pytest.approx(3, rel=0.05)
    features = generator.normal(size=(20_000, 3)).astype(np.float32)
    chance = 1 / (1 + np.exp(-(features @ [0.8, 0.5, 0.2] - 1)))
    weights = fit_confidence(features, generator.random(20_000) < chance)
    assert weights == pytest.approx((0.8, 0.5, 0.2, -1), abs=0.1)


def test_training_writes_a_model_that_labels_and_can_be_trained_further(tmp_path, tiny_config):
    data, out = write_articles(tmp_path / "a.jsonl"), tmp_path / "model"
    said = []
    scores = train([data], out, tiny_config, False, said.append)
    assert said[0] == "8 articles for train, 2 articles for validation, 2 articles for calibration"
    assert "triple_exact" in said[-1]
    assert scores["triple"].gold == 2
    classifier = Classifier.load(out)
    assert classifier.info.training_data == ["8 texts of our own"]
    assert len(classifier.label(Article(ARTICLE)).sentences) == 4
    assert "base_model" in (out / "README.md").read_text()
    again = TrainConfig(**{**tiny_config.__dict__, "base": str(out), "epochs": 1})
    train([data], tmp_path / "second", again, False, said.append)
    second = Classifier.load(tmp_path / "second").info
    assert second.base == classifier.info.base
    assert second.training_data == ["8 texts of our own", "after which it was trained further on", "8 texts of our own"]
    assert "<svg" in (out / "report.html").read_text()


def test_articles_can_be_held_out_by_their_id_whatever_their_part_says(tmp_path, tiny_config):
    rows = [
        json.loads(line) | {"part": "train"} for line in write_articles(tmp_path / "a", 40).read_text().splitlines()
    ]
    data = tmp_path / "all-train.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="no article is left for validation and calibration"):
        train([data], tmp_path / "model", tiny_config, False, str)
    by_id = TrainConfig(**{**tiny_config.__dict__, "by_part": False, "epochs": 1})
    assert train([data], tmp_path / "model", by_id, False, str)["triple"].gold > 0


def test_a_model_of_partial_rows_scores_pairs_and_refuses_articles(tmp_path, tiny_config):
    rows = [json.loads(line) | {"complete": False} for line in write_articles(tmp_path / "a").read_text().splitlines()]
    data = tmp_path / "partial.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    train([data], tmp_path / "model", tiny_config, False, str)
    classifier = Classifier.load(tmp_path / "model")
    assert classifier.info.scores == {"validation": {}}
    with pytest.raises(ModelError, match="partial rows alone.*Score pairs that you know"):
        classifier.label(Article(ARTICLE))
    (scores,) = classifier.score_pairs([(SENTENCE, Span(*OSLO), Span(*RIGA))])
    assert sum(scores.codes.values()) == pytest.approx(1, abs=1e-5)


def test_a_run_that_was_interrupted_goes_on_to_the_same_weights(tmp_path, tiny_base):
    data = write_articles(tmp_path / "a.jsonl")
    base = ["--data", data, "--base", tiny_base, "--epochs", 60, "--patience", 60]
    command = [sys.executable, "-m", "stancery.service.cli", "train", *map(str, base), "--out"]
    subprocess.run([*command, tmp_path / "whole"], check=True, capture_output=True, timeout=240)
    checkpoints = tmp_path / "broken.checkpoints"
    process = subprocess.Popen(
        [*command, tmp_path / "broken"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
    )
    while process.poll() is None and not list(checkpoints.glob("*/trainer_state.json")):
        time.sleep(0.01)
    while process.poll() is None:  # an interrupt within a library's callback may get lost, as a person's would
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)
    said = process.stderr.read()
    process.stderr.close()
    assert process.returncode == 1
    assert b"with --resume goes on" in said
    assert not (tmp_path / "broken").exists()
    subprocess.run([*command, tmp_path / "broken", "--resume"], check=True, capture_output=True, timeout=240)
    whole, resumed = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "broken"))
    assert whole == resumed
    assert not checkpoints.exists()


def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path, tiny_config):
    data = write_articles(tmp_path / "a.jsonl")
    with pytest.raises(SettingsError, match="holds files that are no model, and would be replaced"):
        train([data], tmp_path, tiny_config, False, str)
    with pytest.raises(SettingsError, match="has no name of its own"):
        train([data], Path("."), tiny_config, False, str)
    assert data.exists()


def test_too_few_articles_and_a_base_that_is_none_are_errors_that_say_what_to_do(tmp_path, tiny_config):
    data = write_articles(tmp_path / "a.jsonl", 8)
    with pytest.raises(DataError, match="no article is left for validation and calibration; give more articles"):
        train([data], tmp_path / "model", tiny_config, False, str)
    with pytest.raises(StanceryError, match="base encoder '/nowhere' cannot be loaded.*Name a Hugging Face encoder"):
        build_network(TrainConfig(base="/nowhere"))


def test_pairs_that_cannot_be_scored_are_named(tiny_classifier):
    cases = [
        ((SENTENCE, Span(0, 4), Span(30, 99)), "/items/0/target", "outside the text of 34 characters"),
        ((SENTENCE, Span(3, 3), Span(28, 33)), "/items/0/actor", "is empty or outside"),
        ((SENTENCE, Span(0, 9), Span(5, 14)), "/items/0/target", "overlap"),
        (("Oslo \u200b Riga", Span(4, 5), Span(7, 11)), "/items/0", "hold no word"),
        (("   ", Span(0, 1), Span(1, 2)), "/items/0", "hold no word"),
    ]
    for item, pointer, message in cases:
        with pytest.raises(ArticleError, match=message) as caught:
            tiny_classifier.score_pairs([item])
        assert caught.value.pointer == pointer


def test_the_limits_of_decoding_are_kept_with_the_model():
    settings = DecodeSettings(threshold=0.3)
    assert DecodeSettings.from_dict({name: getattr(settings, name) for name in settings.__slots__}) == settings
    assert to_row(gold([triple("condemns")]))["stances"] == [triple("condemns")]


def test_the_later_epochs_are_averaged_where_that_scores_better(tmp_path, tiny_config):
    network = build_network(tiny_config)
    for step, value in ((1, 9.0), (2, 1.0), (3, 2.0), (4, 6.0)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        weights = {f"network.{name}": torch.full_like(w, value) for name, w in network.state_dict().items()}
        save_file(weights, str(folder / "model.safetensors"))
    bias = network.pair_head.classes.bias
    before = bias.detach().clone()
    average_epochs(network, tmp_path, lambda: -bias.abs().sum().item())
    torch.testing.assert_close(bias, before)
    average_epochs(network, tmp_path, lambda: bias.sum().item())
    torch.testing.assert_close(bias, torch.full_like(bias, 3.0))


def test_the_encoder_drops_out_what_is_asked_for(tiny_config):
    network = build_network(tiny_config)
    drop_out(network, 0.25)
    shares = {name: m.p for name, m in network.encoder.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert set(shares.values()) == {0.0, 0.25}
    assert all(share == 0.0 for name, share in shares.items() if name.endswith("self.dropout"))
    assert network.dropout.p == tiny_config.heads.dropout
