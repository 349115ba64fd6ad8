"""The README's commands, as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def run(command):
    command = command.replace(".venv/bin/", f"{BIN}/")
    return subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_the_example_prints_what_the_readme_shows():
    shown = re.search(r"stancery predict data/example\.txt\n```\n+```\n(.*?)```", README, re.DOTALL)
    printed = run("COLUMNS=120 .venv/bin/stancery predict --format table data/example.txt")
    assert printed.returncode == 0, printed.stderr
    assert [line.rstrip() for line in printed.stdout.splitlines()] == shown[1].splitlines()


def test_the_python_example_runs():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert printed.returncode == 0, printed.stderr
    assert re.search(r"^(supports|pressures|condemns) [A-Z]+ 0\.\d+$", printed.stdout, re.MULTILINE)


def test_the_markdown_example_has_no_problems(tmp_path):
    (tmp_path / "oslo-raid.md").write_text(re.search(r"```markdown\n(.*?)```", README, re.DOTALL)[1], encoding="utf-8")
    printed = run(f".venv/bin/stancery data check {tmp_path}/oslo-raid.md")
    assert "1 articles, 1 sentences, no problems" in printed.stdout


@pytest.mark.parametrize("name", re.findall(r"^make (\w+)", README, re.MULTILINE))
def test_every_target_of_make_that_the_readme_names_exists(name):
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", ["data/CODEBOOK.md", "data/README.md", "model/default/README.md", "CONTRIBUTING.md"])
def test_files_that_the_readme_names_exist(path):
    assert path in README
    assert (ROOT / path).is_file()
