"""What `stancery predict` writes: JSON, CSV, labelled articles, a table."""

import csv
import io
import json
import os
import pty
import re
import subprocess

from commanding import COMMAND, rows
from conftest import ARTICLE

from stancery.data.read import read_articles

COLUMNS = [
    "id",
    "date",
    "sentence",
    "sentence_start",
    "actor",
    "actor_start",
    "actor_end",
    "stance",
    "code",
    "confidence",
    "target",
    "target_start",
    "target_end",
    "target_kind",
    "model_sha256",
]


def test_json_is_one_object_for_one_article_and_a_list_for_several(predict, article):
    one = json.loads(predict("--format", "json", article).stdout)
    assert json.loads(predict("--format", "json", article, article, article).stdout) == [one, one, one]
    assert rows(predict("--format", "jsonl", article)) == [one]


def test_csv_holds_a_triple_a_row(predict, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": 'a,"b"', "date": "2024-05-14", "text": ARTICLE}) + "\n")
    (answer,) = rows(predict(path))
    table = list(csv.DictReader(io.StringIO(predict("--format", "csv", path).stdout.decode())))
    assert list(table[0]) == COLUMNS
    expected = [(sentence, stance) for sentence in answer["sentences"] for stance in sentence["stances"]]
    assert len(table) == len(expected)
    for row, (sentence, stance) in zip(table, expected, strict=True):
        assert (row["id"], row["date"]) == ('a,"b"', "2024-05-14")
        assert (row["sentence"], int(row["sentence_start"])) == (sentence["text"], sentence["start"])
        for role in ("actor", "target"):
            assert row[role] == stance[role]["text"]
            assert [int(row[f"{role}_start"]), int(row[f"{role}_end"])] == [stance[role]["start"], stance[role]["end"]]
        assert (row["stance"], row["code"], row["target_kind"]) == (
            stance["stance"],
            stance["code"],
            stance["target"]["kind"],
        )
        assert float(row["confidence"]) == stance["confidence"]
        assert row["model_sha256"] == answer["model"]["sha256"]


def test_labelled_output_is_read_back_as_labelled_articles(predict, article, tmp_path):
    done = predict("--format", "labelled", article)
    out = tmp_path / "out.jsonl"
    out.write_bytes(done.stdout)
    (gold,) = read_articles([out])
    (answer,) = rows(predict(article))
    assert gold.article.text == ARTICLE
    assert [list(span) for span in gold.sentences] == [[s["start"], s["end"]] for s in answer["sentences"]]
    expected = [stance for sentence in answer["sentences"] for stance in sentence["stances"]]
    assert [(*t.actor, t.stances, *t.target, t.code, t.kind) for t in gold.triples] == [
        (
            s["actor"]["start"],
            s["actor"]["end"],
            (s["stance"],),
            s["target"]["start"],
            s["target"]["end"],
            s["code"],
            s["target"]["kind"],
        )
        for s in expected
    ]
    assert [t.extra["confidence"] for t in gold.triples] == [s["confidence"] for s in expected]


def test_a_table_for_a_pipe_has_no_colours(predict, article):
    done = predict("--format", "table", article)
    table = done.stdout.decode()
    assert done.returncode == 0
    assert re.match(r"raid: \d+ stances in 4 sentences", table)
    assert "\x1b" not in table
    assert {"actor", "stance", "target", "code", "sure", "sentence"} <= set(re.findall(r"[a-z]+", table))


def on_terminal(arguments, **environment):
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"} | environment
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65_536):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def test_a_terminal_gets_a_coloured_table(tiny_model, article):
    arguments = ["predict", "--model", tiny_model, article]
    shown = on_terminal(arguments)
    assert "\x1b[1mraid: " in shown
    assert re.search(r"\x1b\[3[123]m(supports|pressures|condemns)", shown)
    assert not re.search(r"\x1b\[3[123]m", on_terminal(arguments, NO_COLOR="1"))


def test_an_article_cannot_command_the_terminal(tiny_model, tmp_path):
    path = tmp_path / "evil.txt"
    path.write_text("Oslo \x1b]0;owned\x07 praised \x9b2J [bold]Riga[/bold].")
    shown = on_terminal(["predict", "--model", tiny_model, path])
    assert "\x1b]0;" not in shown
    assert not set("\x07\x9b") & set(shown)
    assert "[bold]" in shown


def test_output_is_utf8_whatever_the_locale(predict, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Orbán met 한국.", encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    for name in ("json", "jsonl", "csv", "labelled"):
        done = predict("--format", name, "--threshold", "0", path, env=environment)
        assert "Orbán" in done.stdout.decode("utf-8"), name
