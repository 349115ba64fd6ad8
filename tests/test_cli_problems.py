"""What the command line refuses, how it says so, and its exit status."""

import os
import re
import subprocess

import pytest
from commanding import COMMAND, LABELLED, failure, run


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
