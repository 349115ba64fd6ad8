import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stancery.data.join import join_texts, to_standoff
from stancery.data.markdown import parse_markdown
from stancery.data.read import read_articles
from stancery.data.schema import GoldArticle, GoldTriple, Mention, parse_row, to_row
from stancery.data.split import split_by_article
from stancery.data.write import to_json_line, to_markdown
from stancery.model.article import Article, Span
from stancery.model.errors import DataError

CALL = """---
id: caracas-call
date: 2021-03-02
entities: {blinken: Antony Blinken, usa: United States, maduro: Nicolas Maduro, guaido: Juan Guaido}
---
In a call on Tuesday [Antony Blinken](#blinken) told [Juan Guaido](#guaido), whom [Washington](#usa) recognises, that he would
work for more pressure on [Nicolas Maduro](#maduro).

> usa supports guaido · SUPPORT
> blinken pressures maduro · COERCE
"""


def read_text(tmp_path, content, name="a.md"):
    file = tmp_path / name
    file.write_bytes(content.encode())
    return read_articles([file])


def problems_of(tmp_path, content, name="a.jsonl"):
    with pytest.raises(DataError) as caught:
        read_text(tmp_path, content, name)
    return [problem.replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_a_hand_written_article_has_the_offsets_of_its_links(tmp_path):
    (gold,) = read_text(tmp_path, CALL)
    text = gold.article.text
    assert text.startswith(
        "In a call on Tuesday Antony Blinken told Juan Guaido, whom Washington recognises, that he would work"
    )
    found = [(text[slice(*t.actor)], t.stances, text[slice(*t.target)], t.code, t.actor_entity) for t in gold.triples]
    assert found == [
        ("Washington", ("supports",), "Juan Guaido", "SUPPORT", "United States"),
        ("Antony Blinken", ("pressures",), "Nicolas Maduro", "COERCE", "Antony Blinken"),
    ]
    assert gold.article.date == "2021-03-02"


def test_the_second_mention_in_a_paragraph_is_named_by_its_number(tmp_path):
    body = "---\nid: x\nentities: {a: Oslo, b: Riga}\n---\n[Oslo](#a) met [Riga](#b). [Oslo](#a) praised [Riga](#b).\n\n> a#2 supports b#2 · SUPPORT\n"
    (gold,) = read_text(tmp_path, body)
    assert gold.triples[0].actor == Span(15, 19)
    assert [m.span for m in gold.mentions] == [Span(0, 4), Span(9, 13)]


def test_backslashes_keep_brackets_and_line_breaks(tmp_path):
    (gold,) = read_text(tmp_path, "---\nid: x\n---\nA \\[b\\] and\\\nc \\\\ d\ne\n\nf\n")
    assert gold.article.text == "A [b] and\nc \\ d e\n\nf"


def test_none_pairs_partial_rows_and_one_of_are_read(tmp_path):
    text = "Oslo met Riga and slighted Tartu."
    row = {
        "id": "p",
        "text": text,
        "complete": False,
        "stances": [
            {"actor": [0, 4], "stance": "none", "target": [9, 13], "code": "CONSULT"},
            {"actor": [0, 4], "stance": ["pressures", "condemns"], "target": [27, 32]},
        ],
        "colour": "kept",
    }
    (gold,) = read_text(tmp_path, json.dumps(row), "a.jsonl")
    assert not gold.complete
    assert [t.stances for t in gold.triples] == [("none",), ("pressures", "condemns")]
    assert gold.extra == {"colour": "kept"}
    assert to_row(gold) == row


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"stance": "likes"}, "a.jsonl:1: stance 'likes' is unknown; write one or a list of none, supports"),
        ({"actor": [3, 3]}, "a.jsonl:1: 'actor' [3, 3] is empty or outside the text of 39 characters"),
        ({"actor": "Oslo"}, "a.jsonl:1: 'actor' is 'Oslo'; write [start, end]"),
        ({"actor": [True, 3]}, "a.jsonl:1: 'actor' is [True, 3]; write [start, end]"),
        ({"target": [0, 4]}, "actor and target are both [0, 4]; they must be different"),
        ({"code": "AID"}, "code 'AID' does not go with condemns; write one of ACCUSE, REJECT, PROTEST"),
        ({"kind": "thing"}, "kind 'thing' is unknown; write participant or matter"),
        ({"target": [20, 26]}, "do not lie in the same sentence"),
    ],
)
def test_what_is_wrong_with_a_triple_is_said_with_its_value(tmp_path, change, problem):
    triple = {"actor": [0, 4], "stance": "condemns", "target": [15, 18]} | change
    row = {"id": "x", "text": "Oslo condemned war. Riga and Tartu met.", "stances": [triple]}
    assert any(problem in line for line in problems_of(tmp_path, json.dumps(row)))


def test_all_problems_of_all_files_are_reported_at_once(tmp_path):
    first = tmp_path / "a.jsonl"
    first.write_text('{"id": "x", "text": 3, "stances": []}\nnot json\n[1]\n{"id": "y", "text": "A.", "stances": {}}\n')
    second = tmp_path / "b.md"
    second.write_text(
        "---\nid: z\nentities: {a: Oslo}\n---\n[Oslo](#a) and [Riga](#b) met [x.\n\n> a supports c\n> what\n"
    )
    with pytest.raises(DataError) as caught:
        read_articles([first, second, tmp_path / "none.jsonl"])
    found = [problem.replace(str(tmp_path) + "/", "") for problem in caught.value.problems]
    assert [line.split(" ")[0] for line in found] == [
        "a.jsonl:1:", "a.jsonl:2:", "a.jsonl:3:", "a.jsonl:4:", "b.md:5:", "b.md:5:", "b.md:7:", "b.md:8:", "none.jsonl:",
    ]  # fmt: skip


def test_triples_without_an_empty_line_before_them_are_not_taken_for_text(tmp_path):
    body = "---\nid: x\nentities: {a: Oslo, b: Riga}\n---\n[Oslo](#a) hit [Riga](#b).\n> a supports b\n"
    assert problems_of(tmp_path, body, "a.md") == [
        "a.md:6: '>' within a paragraph; leave an empty line before triples, or write \\>"
    ]


def test_a_note_behind_a_triple_that_is_no_json_is_reported(tmp_path):
    body = "---\nid: x\nentities: {a: Oslo, b: Riga}\n---\n[Oslo](#a) hit [Riga](#b).\n\n> a supports b · {x}\n"
    assert "a.md:7: '{x}' is no JSON" in problems_of(tmp_path, body, "a.md")[0]


def test_an_id_that_stands_twice_is_reported_with_both_places(tmp_path):
    row = '{"id": "x", "text": "A.", "stances": []}\n'
    assert problems_of(tmp_path, row + row) == [
        "a.jsonl:2: id 'x' stands at a.jsonl:1 already; give each article its own"
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"id": "x", "text": "\xe4", "stances": []}'])
def test_bytes_that_are_not_utf8_are_reported_with_their_line(tmp_path, content):
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\n" + content)
    with pytest.raises(DataError, match=r"a\.jsonl:2: byte 0x.. is not UTF-8; save the file as UTF-8"):
        read_articles([file])


def test_nan_and_lone_surrogates_are_refused(tmp_path):
    assert "NaN is no JSON number" in problems_of(tmp_path, '{"id": "x", "text": "A.", "stances": [], "n": NaN}')[0]
    assert "lone surrogate, U+D800" in problems_of(tmp_path, '{"id": "x", "text": "A \\ud800.", "stances": []}')[0]
    assert "holds a lone surrogate" in problems_of(tmp_path, '{"id": "\\ud800", "text": "A.", "stances": []}')[0]


def test_both_forms_hold_the_same(tmp_path):
    (gold,) = read_text(tmp_path, CALL)
    (again,) = read_text(tmp_path, to_json_line(gold), "b.jsonl")
    (back,) = read_text(tmp_path, to_markdown(again), "c.md")
    assert gold == again == back


def test_crossing_mentions_cannot_be_links():
    row = {"id": "x", "text": "The Oslo Riga Tartu pact.", "stances": [], "mentions": [[4, 13, None], [9, 19, None]]}
    gold = parse_row(row)
    assert isinstance(gold, GoldArticle)
    with pytest.raises(DataError, match=r"\[4, 13\] and \[9, 19\] cross.*keep the article as JSON Lines"):
        to_markdown(gold)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text("ab [](#)>\\\n \r\t·-", max_size=40)


@st.composite
def gold_articles(draw):
    """Any text with nested or separate mentions and triples between them."""
    text = draw(TEXTS)
    sentence = Span(0, len(text))
    points = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [Span(a, b) for a, b in zip(points[::2], points[1::2], strict=False)]
    names = st.none() | st.sampled_from(["Oslo", "Riga", "no", "3", "Ö: {x}", ""])
    mentions = tuple({span: Mention(span, draw(names)) for span in spans}.values())
    triples = []
    for actor, target in zip(spans, spans[1:], strict=False):
        stance = draw(st.sampled_from([("supports",), ("none",), ("pressures", "condemns")]))
        kind = draw(st.sampled_from([None, "participant", "matter"]))
        extra = draw(st.sampled_from([{}, {"sentence": 3}, {"note": "a } b"}]))
        triples.append(GoldTriple(actor, stance, target, None, draw(names), draw(names), kind, extra))
    used = {(t.actor, t.actor_entity) for t in triples} | {(t.target, t.target_entity) for t in triples}
    mentions = tuple(m for m in mentions if (m.span, m.entity) not in used)
    article = Article(text, draw(st.sampled_from(["x", "1", "no", "a b"])), draw(st.none() | st.just("2021-03-02")))
    return GoldArticle(article, tuple(triples), draw(st.booleans()), (sentence,) if text else None, mentions, {"n": 3})


@settings(max_examples=300, deadline=None)
@given(gold_articles())
def test_any_article_survives_both_forms(gold):
    as_row = parse_row(json.loads(to_json_line(gold)))
    assert as_row == gold
    parsed = parse_markdown(to_markdown(gold))
    assert parsed.problems == []
    back = parse_row(parsed.row)
    assert isinstance(back, GoldArticle)
    key = repr
    assert sorted(back.triples, key=key) == sorted(gold.triples, key=key)
    assert dataclasses.replace(back, triples=()) == dataclasses.replace(gold, triples=())


def test_articles_are_split_as_their_part_says_and_else_by_their_id():
    golds = [GoldArticle(Article("A.", str(n)), (), extra={"part": "calibration"} if n < 5 else {}) for n in range(400)]
    parts = split_by_article(golds)
    assert {g.article.id for g in golds[:5]} <= {g.article.id for g in parts["calibration"]}
    assert sum(map(len, parts.values())) == 400
    assert 20 < len(parts["validation"]) < 60
    assert split_by_article(golds[::-1])["validation"] == parts["validation"][::-1]


def test_labels_without_text_are_joined_to_the_original(tmp_path):
    text = "Oslo condemned Riga. Riga shrugged."
    row = {"id": "x", "text": text, "stances": [{"actor": [0, 4], "stance": "condemns", "target": [15, 19]}]}
    gold = parse_row(row)
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps(to_standoff(gold)))
    assert "condemned" not in labels.read_text()
    (tmp_path / "x.txt").write_bytes(
        b"https://example.org/x\r\n\r\n" + text.encode() + b" The rest was not labelled.\r\n"
    )
    (joined,) = join_texts([labels], [tmp_path])
    assert joined.article == gold.article
    assert joined.triples == gold.triples


def test_a_text_that_is_missing_or_another_one_is_reported(tmp_path):
    labels = tmp_path / "labels.jsonl"
    rows = [parse_row({"id": name, "text": "Oslo.", "stances": []}) for name in "ab"]
    labels.write_text("\n".join(json.dumps(to_standoff(gold)) for gold in rows))
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"id": "a", "text": "Riga."}\n')
    with pytest.raises(DataError) as caught:
        join_texts([labels], [texts])
    assert "labels.jsonl:1: the text of 'a'" in caught.value.problems[0]
    assert "labels.jsonl:2: no text for 'b'" in caught.value.problems[1]


def test_texts_may_lie_in_several_places_and_under_other_names(tmp_path):
    labels = tmp_path / "labels.jsonl"
    golds = [parse_row({"id": name, "text": f"{name} fell.", "stances": []}) for name in ("Oslo", "Riga")]
    labels.write_text("\n".join(json.dumps(to_standoff(gold)) for gold in golds))
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "Oslo.txt").write_text("Oslo fell.")
    renamed = tmp_path / "renamed.jsonl"
    renamed.write_text('{"id": "row 7", "text": " Riga fell. "}\n')
    assert [g.article.text for g in join_texts([labels], [folder, renamed])] == ["Oslo fell.", "Riga fell."]
