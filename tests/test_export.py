import json

import numpy as np
import pytest
import torch
from conftest import ARTICLE

from stancery.model.article import Article
from stancery.model.classifier import Classifier
from stancery.model.errors import ModelError
from stancery.model.folder import CONFIG_FILE, open_folder
from stancery.model.network import TorchRuntime
from stancery.model.runtime import OnnxRuntime
from stancery.model.sentences import split_sentences
from stancery.training.export import export_graphs, load_network, staged

PAIRS = np.array([[1, 2, 5, 6, 1, 12], [5, 6, 1, 2, 1, 12], [3, 3, 4, 4, 1, 12]])


def test_the_exported_graphs_score_as_torch_does(tmp_path, tiny_network, tiny_encoder):
    export_graphs(tiny_network, tmp_path, quantised=False)
    exported, plain = OnnxRuntime(tmp_path), TorchRuntime(tiny_network)
    windows = tiny_encoder.windows(ARTICLE, split_sentences(ARTICLE))
    assert len({len(window.ids) for window in windows}) > 1
    for window in windows:
        for ours, torchs in zip(
            exported.encode(window.ids, window.casing), plain.encode(window.ids, window.casing), strict=True
        ):
            np.testing.assert_allclose(ours, torchs, atol=1e-4)
        states, _ = plain.encode(window.ids, window.casing)
        for ours, torchs in zip(exported.score_pairs(states, PAIRS), plain.score_pairs(states, PAIRS), strict=True):
            np.testing.assert_allclose(ours, torchs, atol=1e-4)


def test_a_model_folder_gives_back_the_network_that_it_was_made_of(tiny_model, tiny_network):
    network, _ = load_network(tiny_model)
    for (name, weight), (_, original) in zip(network.named_parameters(), tiny_network.named_parameters(), strict=True):
        torch.testing.assert_close(weight, original, msg=name)


@pytest.mark.parametrize("name", ["encoder.onnx", "pairs.onnx", "tokenizer.json", "model.safetensors"])
def test_a_folder_with_a_file_missing_or_altered_is_refused(tmp_path, tiny_model, name):
    for file in tiny_model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match=rf"{name} is not the file that config.json names.*Copy or train"):
        open_folder(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=rf"incomplete: {name} is missing"):
        open_folder(tmp_path)


def test_a_folder_of_another_format_or_damaged_is_refused(tmp_path, tiny_model):
    with pytest.raises(ModelError, match="no model folder: config.json is missing"):
        open_folder(tmp_path / "nowhere")
    config = json.loads((tiny_model / CONFIG_FILE).read_text())
    for change, message in (
        ({"format_version": 99}, "has format version 99, this Stancery reads 1"),
        ({"labels": {}}, "lists other labels"),
        ({"surprise": 1}, "is damaged"),
        ({"decode": {}}, "is damaged"),
    ):
        (tmp_path / CONFIG_FILE).write_text(json.dumps(config | change))
        with pytest.raises(ModelError, match=message):
            open_folder(tmp_path)
    (tmp_path / CONFIG_FILE).write_text("[1, 2")
    with pytest.raises(ModelError, match="is damaged"):
        open_folder(tmp_path)


def test_nothing_half_written_takes_the_place_of_a_model(tmp_path):
    out = tmp_path / "model"
    out.mkdir()
    (out / "old").write_text("old")

    def break_off():
        with staged(out) as stage:
            (stage / "new").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert [file.name for file in out.iterdir()] == ["old"]
    with staged(out) as stage:
        (stage / "new").write_text("whole")
    assert [file.name for file in out.iterdir()] == ["new"]
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_the_same_article_gets_the_same_answer_whatever_else_is_labelled(tiny_model):
    classifier = Classifier.load(tiny_model, threads=2)
    others = [Article(f"{name} praised {name}stan. " * 9) for name in ("Riga", "Tartu", "Minsk")]
    alone = classifier.label(Article(ARTICLE))
    assert any(sentence.triples for sentence in alone.sentences)
    among = list(classifier.label_all([*others, Article(ARTICLE), *others]))[3]
    assert among == alone
