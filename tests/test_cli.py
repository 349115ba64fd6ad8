"""The command line as a user meets it: its help, its settings, what it needs installed."""

import json
import os
import re
import subprocess
import sys

import pytest
from commanding import failure, rows, run


@pytest.mark.parametrize(
    "command", [[], ["predict"], ["serve"], ["train"], ["evaluate"], ["data", "check"], ["data", "convert"]]
)
def test_every_help_ends_with_an_example(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert re.match(r" *Example: +stancery", done.stdout.decode().rpartition("\n\n")[2])


def test_the_help_of_serve_lists_every_setting_with_its_unit():
    shown = " ".join(run("serve", "--help").stdout.decode().split())
    for line in ("STANCERY_PORT TCP port", "STANCERY_MAX_BODY_BYTES largest request body, bytes (2000000)"):
        assert line in shown


def test_the_version_is_shown():
    assert re.fullmatch(rb"stancery \S.*\n", run("--version").stdout)


def test_the_threshold_flag_applies_over_the_environment(predict, article):
    environment = os.environ | {"STANCERY_THRESHOLD": "1"}
    (strict,) = rows(predict(article, env=environment))
    assert not any(sentence["stances"] for sentence in strict["sentences"])
    (loose,) = rows(predict("--threshold", "0", article, env=environment))
    assert any(sentence["stances"] for sentence in loose["sentences"])


def test_the_model_may_come_from_the_environment(tiny_model, article):
    (row,) = rows(run("predict", article, env=os.environ | {"STANCERY_MODEL": str(tiny_model)}))
    assert row["model"]["name"] == "tiny"


def python(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=240)


def test_the_help_imports_nothing_heavy():
    heavy = {"fastapi", "uvicorn", "rich", "numpy", "onnxruntime", "pydantic", "torch", "bs4", "stancery.model"}
    program = (
        "import sys; from stancery.service.cli import commands\n"
        "commands(['--help'], standalone_mode=False)\n"
        f"sys.exit(str(sorted({heavy!r} & set(sys.modules))))"
    )
    assert python(program).stderr.strip() == b"[]"


def without_torch(*arguments):
    return python(
        "import sys; sys.modules['torch'] = None\n"
        f"from stancery.service.cli import main; sys.argv = ['stancery', *{[*map(str, arguments)]!r}]; main()"
    )


def test_without_torch_training_says_what_to_install(tmp_path):
    done = without_torch("train", "--data", tmp_path, "--out", tmp_path / "model")
    assert done.returncode == 1
    assert done.stderr == b"Error: This needs the train extra: pip install 'stancery[train]'\n"


def test_without_torch_articles_are_labelled(tiny_model, article):
    assert json.loads(without_torch("predict", "--model", tiny_model, article).stdout)["id"] == "raid"


def test_without_torch_a_model_is_scored(tiny_model, tmp_path):
    row = {"id": "x", "text": "Oslo slept.", "stances": []}
    (tmp_path / "x.jsonl").write_text(json.dumps(row))
    assert b"triple_exact" in without_torch("evaluate", "--data", tmp_path, "--model", tiny_model).stdout


def test_the_behaviour_suite_is_run_by_capability(tiny_model):
    done = run("evaluate", "--behaviour", "--failures", "--model", tiny_model)
    assert done.returncode == 0, done.stderr
    assert b"| negation" in done.stdout
    assert b"negation-01: " in done.stdout


def test_evaluate_wants_articles_or_the_suite_and_not_both(tmp_path):
    assert "either --data FILE" in failure(run("evaluate"), 2)
    assert "either --data FILE" in failure(run("evaluate", "--behaviour", "--data", tmp_path), 2)
    assert "--part goes with --data" in failure(run("evaluate", "--behaviour", "--part", "validation"), 2)
