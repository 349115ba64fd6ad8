"""The walls of the house: model <- data <- training, model <- data <- service."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "model": {"model"},
    "data": {"data", "model"},
    "training": {"training", "data", "model"},
    "service": {"service", "data", "model"},
}
NEEDS_TRAIN_EXTRA = {"torch", "transformers", "datasets", "accelerate", "safetensors", "onnx"}
FILES = [file for room in MAY_IMPORT for file in sorted((ROOT / room).glob("*.py"))]


def imported(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full"
            yield node.module


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_one_way_and_torch_stays_in_training(file):
    names = set(imported(file))
    rooms = {name.split(".")[1] for name in names if name.startswith("stancery.")}
    assert rooms <= MAY_IMPORT[file.parent.name]
    if file.parent.name != "training" and file.name != "network.py":
        assert not {name.partition(".")[0] for name in names} & NEEDS_TRAIN_EXTRA
        assert "stancery.model.network" not in names


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_stays_under_300_lines(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) < 300
