from test_evaluate import ACTOR, IRAN, SYRIA, gold, labelled

from stancery.model.article import Span
from stancery.training.errors import NOTHING, error_groups, error_table

OSLO, SHRUGGED = Span(44, 48), Span(49, 57)
WANTED = gold((ACTOR, "condemns", IRAN, "ACCUSE"))


def groups(*found):
    return tuple(dict(counts) for counts in error_groups([WANTED], [labelled(*found)]))


def test_a_right_answer_is_no_error():
    assert groups((ACTOR, "condemns", IRAN, "ACCUSE", 0.9)) == ({}, {})


def test_each_error_has_the_group_that_comes_nearest():
    for found, name in [
        ((ACTOR, "supports", IRAN, "SUPPORT", 0.9), "right pair, other stance"),
        ((IRAN, "condemns", ACTOR, "ACCUSE", 0.9), "direction reversed"),
        ((ACTOR, "condemns", SYRIA, "ACCUSE", 0.9), "right actor and stance, other target"),
        ((SYRIA, "condemns", IRAN, "ACCUSE", 0.9), "right target and stance, other actor"),
        ((SYRIA, "supports", ACTOR, "SUPPORT", 0.9), "another stance in the sentence"),
    ]:
        assert groups(found) == ({name: 1}, {name: 1}), name


def test_another_sentence_is_not_to_blame():
    assert groups((OSLO, "condemns", SHRUGGED, "ACCUSE", 0.9)) == ({NOTHING: 1}, {NOTHING: 1})


def test_the_table_sums_up():
    assert error_table({NOTHING: 2}, {}).endswith(f"| {NOTHING} | 2 | 0 |\n| all | 2 | 0 |")
