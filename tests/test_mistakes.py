from test_evaluate import ACTOR, IRAN, SYRIA, gold, labelled

from stancery.model.article import Span
from stancery.training.mistakes import NOTHING, mistake_table, mistakes

OSLO, SHRUGGED = Span(44, 48), Span(49, 57)
WANTED = gold((ACTOR, "condemns", IRAN, "ACCUSE"))
RIGHT = (ACTOR, "condemns", IRAN, "ACCUSE", 0.9)


def groups(*found, wanted=WANTED):
    return tuple(dict(counts) for counts in mistakes([wanted], [labelled(*found)]))


def test_a_right_answer_is_no_mistake():
    assert groups(RIGHT) == ({}, {})


def test_each_mistake_has_the_group_that_comes_nearest():
    for found, name in [
        ((ACTOR, "supports", IRAN, "SUPPORT", 0.9), "right pair, other stance"),
        ((IRAN, "condemns", ACTOR, "ACCUSE", 0.9), "direction reversed"),
        ((ACTOR, "condemns", SYRIA, "ACCUSE", 0.9), "right actor and stance, other target"),
        ((SYRIA, "condemns", IRAN, "ACCUSE", 0.9), "right target and stance, other actor"),
        ((SYRIA, "condemns", Span(18, 27), "ACCUSE", 0.9), "right stance, other actor and target"),
        ((SYRIA, "supports", ACTOR, "SUPPORT", 0.9), "another stance in the sentence"),
    ]:
        assert groups(found) == ({name: 1}, {name: 1}), name


def test_the_same_triple_twice_is_false_once():
    assert groups(RIGHT, (Span(8, 17), "condemns", IRAN, "ACCUSE", 0.8)) == (
        {},
        {"said again, of a triple that was found": 1},
    )


def test_one_answer_finds_one_of_two_labelled_triples():
    both = gold((ACTOR, "condemns", IRAN, "ACCUSE"), (ACTOR, "condemns", SYRIA, "ACCUSE"))
    missed, false = groups((ACTOR, "condemns", Span(28, 42), "ACCUSE", 0.9), wanted=both)
    assert (sum(missed.values()), false) == (1, {})


def test_another_sentence_is_not_to_blame():
    assert groups((OSLO, "condemns", SHRUGGED, "ACCUSE", 0.9)) == ({NOTHING: 1}, {NOTHING: 1})


def test_the_table_sums_up():
    assert mistake_table({NOTHING: 2}, {}).endswith(f"| {NOTHING} | 2 | 0 |\n| all | 2 | 0 |")
