import json

import pytest

from stancery.model.article import Span, Triple
from stancery.model.errors import DataError
from stancery.training.behaviour import SUITE, Case, Pattern, locate, pass_table, read_cases, run_cases

TEXT = "Oslo praised Riga, and Riga praised Oslo."
OSLO, RIGA = Span(0, 4), Span(13, 17)


def triple(actor, stance, target):
    return Triple(actor, stance, target, "SUPPORT", 0.9, "participant")


def case(expect=(), refuse=()):
    return Case("x", "voice", TEXT, tuple(expect), tuple(refuse))


def write(folder, *rows):
    (folder / "voice.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_case_wants_what_it_expects_and_nothing_that_it_refuses():
    wanted = case(expect=[Pattern(OSLO, "supports", RIGA)], refuse=[Pattern(RIGA, None, OSLO)])
    assert wanted.passes([triple(OSLO, "supports", RIGA)])
    assert not wanted.passes([])
    assert not wanted.passes([triple(OSLO, "condemns", RIGA)])
    assert not wanted.passes([triple(OSLO, "supports", RIGA), triple(RIGA, "condemns", OSLO)])


def test_an_empty_pattern_refuses_every_triple():
    assert case(refuse=[Pattern(None, None, None)]).passes([])
    assert not case(refuse=[Pattern(None, None, None)]).passes([triple(OSLO, "supports", RIGA)])


def test_a_phrase_can_be_a_later_occurrence():
    assert locate(TEXT, "Riga") == Span(13, 17)
    assert locate(TEXT, "Riga#2") == Span(23, 27)
    with pytest.raises(ValueError, match="'Riga#3' is not in the text"):
        locate(TEXT, "Riga#3")


def test_every_wrong_row_is_named_with_what_to_do(tmp_path):
    wrong = [
        ({"id": "a", "text": TEXT, "expect": [{"actor": "Oslo", "stance": "praises", "target": "Riga"}]}, "is unknown"),
        ({"id": "b", "text": TEXT, "expect": [{"actor": "Oslo", "target": "Riga"}]}, "lacks its"),
        ({"id": "c", "text": TEXT}, "neither"),
        ({"id": "d", "text": TEXT, "refuse": [{"actor": "Minsk"}]}, "'Minsk' is not in"),
        ({"id": "e", "text": TEXT, "refuse": [{"who": "Oslo"}]}, '{"who"'),
        ({"id": "f", "text": 3, "refuse": [{}]}, "text 3"),
        ({"text": TEXT, "refuse": [{}]}, "id None"),
        ({"id": "g", "text": TEXT, "refused": [{}]}, "unknown key refused"),
        ({"id": "h", "text": TEXT, "refuse": [{"actor": 3}]}, "no object of strings"),
        ({"id": "i", "text": TEXT, "refuse": [{"actor": ""}]}, "'' is not in"),
        ({"id": "j", "text": TEXT, "refuse": [{"actor": "Oslo#0"}]}, "'Oslo#0' is not in"),
        ({"id": "k", "text": TEXT, "refuse": {}}, "no list"),
        ({"id": "l", "text": "a\ud800", "refuse": [{}]}, "lone surrogate"),
        ({"id": "m", "text": TEXT, "refuse": [{}]}, None),
        ({"id": "m", "text": TEXT, "refuse": [{}]}, "stands twice"),
    ]
    (tmp_path / "broken.jsonl").write_text("[]\n")
    with pytest.raises(DataError) as error:
        read_cases(write(tmp_path, *(row for row, _ in wrong)))
    assert "broken.jsonl:1" in error.value.problems[0]
    expected = [(number, what) for number, (_, what) in enumerate(wrong, 1) if what]
    for (number, what), problem in zip(expected, error.value.problems[1:], strict=True):
        assert f"voice.jsonl:{number}: " in problem
        assert what in problem


def test_a_folder_without_cases_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no cases; name a folder"):
        read_cases(tmp_path)


def test_the_table_counts_by_capability(tiny_classifier, tmp_path):
    cases = read_cases(
        write(tmp_path, {"id": "a", "text": TEXT, "refuse": [{}]}, {"id": "b", "text": "Hm", "refuse": [{}]})
    )
    passed = run_cases(tiny_classifier, cases)
    assert passed == {"a": False, "b": True}  # the tiny model finds something everywhere
    assert pass_table(cases, passed).splitlines()[-1] == "| all                |     2 |      1 | 0.500 |"


def test_the_suite_that_ships_has_enough_of_every_capability():
    cases = read_cases(SUITE)
    assert len({case.id for case in cases}) == len(cases) >= 300
    capabilities = {case.capability for case in cases}
    assert len(capabilities) == 11
    for capability in capabilities:
        own = [case for case in cases if case.capability == capability]
        assert len(own) >= 30, capability
        assert sum(bool(case.expect) for case in own) >= len(own) / 3, (
            f"an empty answer passes too much of {capability}"
        )
