"""The command line as a user meets it: a process, its output, its exit status."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys

import pytest
from conftest import ARTICLE

from stancery.data.read import read_articles

COMMAND = [sys.executable, "-m", "stancery.service.cli"]
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


# ---- what goes in


def test_a_text_file_is_labelled_under_its_stem(predict, article):
    (row,) = rows(predict(article))
    assert list(row) == ["id", "model", "sentences", "entities"]
    assert row["id"] == "raid"
    stances = [stance for sentence in row["sentences"] for stance in sentence["stances"]]
    assert stances
    for stance in stances:
        assert ARTICLE[stance["actor"]["start"] : stance["actor"]["end"]] == stance["actor"]["text"]


def test_several_files_are_labelled_in_order(predict, article, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("Riga praised Tartu.")
    assert [row["id"] for row in rows(predict(other, article, other))] == ["other", "raid", "other"]


def test_standard_input_is_plain_text_or_json_lines(predict):
    (row,) = rows(predict("-", input=ARTICLE.encode()))
    assert row["id"] == "stdin"
    lines = b'{"id": "a", "text": "Riga praised Tartu."}\n\n{"text": "Oslo met Riga."}\n'
    assert [row["id"] for row in rows(predict("--input-format", "jsonl", "-", input=lines))] == ["a", "stdin-3"]


def test_json_holds_one_article_or_a_list(predict, tmp_path):
    one, many = tmp_path / "one.json", tmp_path / "many.json"
    one.write_text(json.dumps({"text": ARTICLE}, indent=1))
    many.write_text(json.dumps([{"id": "a", "text": "Riga."}, {"text": "Oslo."}]))
    assert [row["id"] for row in rows(predict(one, many))] == ["one", "a", "many-2"]


def test_json_lines_keep_id_date_and_speaker(predict, tmp_path):
    path = tmp_path / "articles.jsonl"
    article = {"id": "a", "date": "2024-05-14", "speaker": "The minister", "text": "We praised Riga.", "n": 1}
    path.write_text(json.dumps(article) + "\n")
    (row,) = rows(predict("--format", "labelled", path))
    assert {key: row[key] for key in ("id", "date", "speaker", "text")} == {
        k: v for k, v in article.items() if k != "n"
    }


def test_a_labelled_markdown_file_gives_its_text(predict, tmp_path):
    path = tmp_path / "x.md"
    path.write_text(LABELLED)
    (row,) = rows(predict("--format", "labelled", path))
    assert (row["id"], row["date"], row["speaker"]) == ("oslo-riga", "2024-05-14", "The minister")
    assert row["text"] == "Oslo praised Riga."


@pytest.mark.parametrize(
    "text", ["# Oslo praised Riga\n\nIt was [late](http://a.b).\n", "---\ntitle: Oslo\n---\nOslo met Riga.\n"]
)
def test_other_markdown_is_text(predict, tmp_path, text):
    path = tmp_path / "notes.md"
    path.write_text(text)
    (row,) = rows(predict("--format", "labelled", path))
    assert (row["id"], row["text"]) == ("notes", text)


def html(predict, tmp_path, page):
    path = tmp_path / "page.html"
    path.write_bytes(page if isinstance(page, bytes) else page.encode())
    (row,) = rows(predict("--format", "labelled", path))
    return row["text"]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>Oslo  praised\nRiga.<p>Riga <b>thanked</b> <i>Oslo</i>.", "Oslo praised Riga.\n\nRiga thanked Oslo."),
        ("<body>menu<main><h1>Raid</h1>Oslo<br>met Riga</main></body>", "Raid\n\nOslo met Riga"),
        ("<main>no<article><p>Oslo met Riga.</p></article><article>ad</article></main>", "Oslo met Riga."),
        ("<body><nav>Home</nav><p>Oslo</p><aside>More</aside><footer>2024</footer></body>", "Oslo"),
        ("<title>t</title><script>x()</script><style>p{}</style><!-- c --><p>Oslo &amp; Riga</p>", "Oslo & Riga"),
        ("<p>Oslo<span hidden> met</span><span style='display: none'> x</span> Riga</p>", "Oslo Riga"),
        ("<ul><li>Oslo</li><li>Riga</li></ul><table><tr><td>a</td><td>b</td></tr></table>", "Oslo\n\nRiga\n\na\n\nb"),
        ("<meta charset=latin-1><p>Orb\xe1n</p>".encode("latin-1"), "Orbán"),
        ("<meta charset=latin-1><p>Orbán</p>", "Orbán"),
        ("<div>" * 5000 + "Oslo", "Oslo"),
    ],
)
def test_a_web_page_gives_its_visible_article(predict, tmp_path, page, text):
    assert html(predict, tmp_path, page) == text


def test_line_ends_and_marks_of_a_text_stay(predict, tmp_path):
    path = tmp_path / "crlf.txt"
    path.write_bytes(b"\xef\xbb\xbfOslo met Riga.\r\n\r\nIt rained.\r\n")
    (row,) = rows(predict("--format", "labelled", path))
    assert row["text"] == "Oslo met Riga.\r\n\r\nIt rained.\r\n"


# ---- what comes out


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


def test_the_threshold_flag_applies_over_the_environment(predict, article):
    environment = os.environ | {"STANCERY_THRESHOLD": "1"}
    (strict,) = rows(predict(article, env=environment))
    assert not any(sentence["stances"] for sentence in strict["sentences"])
    (loose,) = rows(predict("--threshold", "0", article, env=environment))
    assert any(sentence["stances"] for sentence in loose["sentences"])


def test_the_model_may_come_from_the_environment(tiny_model, article):
    (row,) = rows(run("predict", article, env=os.environ | {"STANCERY_MODEL": str(tiny_model)}))
    assert row["model"]["name"] == "tiny"


def test_output_is_utf8_whatever_the_locale(predict, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Orbán met 한국.", encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    for name in ("json", "jsonl", "csv", "labelled"):
        done = predict("--format", name, "--threshold", "0", path, env=environment)
        assert "Orbán" in done.stdout.decode("utf-8"), name


# ---- what it refuses


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"", "a.txt: is empty; put an article into it"),
        ("a.txt", b" \r\n\t", "a.txt: is empty"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00", "a.txt: byte 0x89 at 0 is not UTF-8; save it as text in UTF-8"),
        ("a.txt", "Orbán".encode("latin-1"), "a.txt: byte 0xe1 at 3 is not UTF-8"),
        ("a.txt", b"PK\x03\x04\x00\x00", "a.txt: holds a NUL character at 4; it is binary"),
        ("a.pdf", b"%PDF", "a.pdf: the ending '.pdf' tells no form; use .txt, .md, .html"),
        ("article", b"Oslo", "article: a name without ending tells no form"),
        ("a.html", b"<script>x</script>", "a.html: is empty"),
        ("a.html", b"<p>Orb\xe1n", "a.html: byte 6 is not UTF-8, and it declares no encoding"),
        ("a.json", b"", "a.json: is empty"),
        ("a.json", b"[]", "a.json: is empty"),
        ("a.json", b'{"text": "a"', "a.json: not JSON (Expecting ',' delimiter at column 13)"),
        ("a.json", b'{\n"text": a}', "a.json: not JSON (Expecting value at line 2, column 9)"),
        ("a.json", b"7", "a.json: holds a number; write an object with the key 'text'"),
        ("a.json", b'[{"text": "a"}, {}]', "a.json: article 2: 'text' is missing; give the article as a string"),
        ("a.json", b"[" * 100_000, "a.json: is nested too deep"),
        ("a.jsonl", b"\n\n", "a.jsonl: is empty"),
        (
            "a.jsonl",
            b'{"text": "a"}\n\n{"text": }\n',
            "a.jsonl:3: not JSON (Expecting value at column 10); correct it there",
        ),
        ("a.jsonl", b'{"text": "a"}\n{"text": 5}\n', "a.jsonl:2: 'text' is a number; give the article as a string"),
        ("a.jsonl", b'{"text": "a", "id": 5}\n', "a.jsonl:1: 'id' is a number; write a string, or leave it out"),
        ("a.jsonl", b'{"text": "a"}\n\xff\n', "a.jsonl:2: byte 0xff at 0 is not UTF-8"),
        ("a.jsonl", b'{"text": "a", "n": NaN}\n', "a.jsonl:1: not JSON (NaN is no JSON number)"),
        ("a.jsonl", b'{"text": "a\\ud800"}\n', "a.jsonl:1: The text holds a lone surrogate, U+D800, at character 1"),
        ("a.jsonl", b'{"text": "a", "id": "\\ud800"}\n', "a.jsonl:1: 'id' holds a lone surrogate"),
        ("a.jsonl", b'["a"]\n', "a.jsonl:1: holds a list"),
        ("a.md", LABELLED.replace("(#riga)", "(#rome)").encode(), "a.md:8: entity 'rome' is not defined"),
    ],
)
def test_a_file_that_is_no_article_is_named_with_what_to_do(predict, tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    message = failure(predict(path))
    assert words in message
    assert len(message) < 1000


def test_missing_files_and_folders_are_all_named_before_anything_is_labelled(predict, article, tmp_path):
    done = predict(article, tmp_path / "none.txt", tmp_path)
    message = failure(done)
    assert "none.txt: there is no such file; check the path" in message
    assert f"{tmp_path}: is a folder; name the files in it, such as" in message
    assert done.stdout == b""


def test_empty_standard_input_is_an_error(predict):
    assert "stdin: is empty" in failure(predict("-", input=b""))
    assert "stdin:2: not JSON" in failure(predict("--input-format", "jsonl", "-", input=b'{"text": "a"}\n{\n'))


def test_a_closed_standard_input_is_an_error(tiny_model):
    command = f"exec {' '.join(COMMAND)} predict --model {tiny_model} - <&-"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=240)
    assert "stdin: is closed; pipe an article into it" in failure(done)


def test_a_folder_that_is_no_model_is_an_error(article, tmp_path):
    assert "config.json is missing" in failure(run("predict", "--model", tmp_path, article))


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict"],
        ["predict", "--format", "xml", "a.txt"],
        ["predict", "--threshold", "2", "a.txt"],
        ["predict", "--threshold", "nan", "a.txt"],
        ["nothing"],
        ["serve", "--port", "x"],
    ],
)
def test_bad_use_exits_2_and_shows_the_usage(arguments):
    failure(run(*arguments), 2)


def test_a_closed_pipe_is_quiet(tiny_model, article):
    command = [*COMMAND, "predict", "--model", str(tiny_model), "--format", "csv", *[str(article)] * 40]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_a_message(predict, article):
    with open("/dev/full", "wb") as full:
        done = predict(article, stdout=full, capture_output=False, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert re.fullmatch(rb"Error: No space left on device.*\n", done.stderr)


# ---- the commands themselves


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


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_without_torch_training_says_what_to_install(command):
    done = without_torch(command, "--help")
    assert done.returncode == 1
    assert done.stderr == b"Error: This needs the train extra: pip install 'stancery[train]'\n"


def test_without_torch_articles_are_labelled(tiny_model, article):
    assert json.loads(without_torch("predict", "--model", tiny_model, article).stdout)["id"] == "raid"
