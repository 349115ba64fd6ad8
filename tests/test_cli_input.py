"""What `stancery predict` reads: text, JSON, labelled Markdown, web pages."""

import json

import pytest
from commanding import LABELLED, rows
from conftest import ARTICLE


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
