"""The command line as a process, and how its tests read its answers."""

import json
import subprocess
import sys

import pytest
from conftest import ARTICLE

COMMAND = [sys.executable, "-m", "stancery.service.cli"]
LABELLED = (
    "---\nid: oslo-riga\ndate: 2024-05-14\nspeaker: The minister\nentities: {oslo: Oslo, riga: Riga}\n---\n"
    "[Oslo](#oslo) praised\n[Riga](#riga).\n\n> oslo supports riga · SUPPORT\n"
)


def run(*arguments, **options):
    options = {"capture_output": True, "timeout": 240} | options
    done = subprocess.run([*COMMAND, *map(str, arguments)], **options)
    if done.stderr is not None:
        assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


@pytest.fixture
def predict(tiny_model):
    """Runs `stancery predict` with the tiny model."""
    return lambda *arguments, **options: run("predict", "--model", tiny_model, *arguments, **options)


def rows(done):
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def failure(done, status=1):
    assert done.returncode == status, done.stdout
    message = done.stderr.decode()
    assert message.startswith("Error: " if status == 1 else "Usage: ")
    return message


@pytest.fixture
def article(tmp_path):
    path = tmp_path / "raid.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path
