import random

from stancery.data.schema import parse_row, to_row
from stancery.training.swap import countries, person_names, swapped

TEXT = "Antony Blinken told Moscow that Russian raids must end. Blinken praised Ukraine, and Kyiv thanked him."
ROW = {
    "id": "x",
    "text": TEXT,
    "sentences": [[0, 55], [56, 102]],
    "stances": [
        {"actor": [0, 14], "stance": "pressures", "target": [20, 26], "code": "REQUEST"},
        {"actor": [56, 63], "stance": "supports", "target": [72, 79], "code": "SUPPORT"},
        {"actor": [85, 89], "stance": "supports", "target": [98, 101], "code": "SUPPORT"},
    ],
}


def gold():
    parsed = parse_row(ROW)
    assert not isinstance(parsed, list), parsed
    return parsed


def phrases(article):
    text = article.article.text
    return [(text[t.actor.start : t.actor.end], text[t.target.start : t.target.end]) for t in article.triples]


def test_a_person_is_replaced_throughout_and_keeps_the_stances():
    other = swapped(gold(), ["Amina Yusuf"], random.Random(0))
    assert [actor for actor, _ in phrases(other)][:2] == ["Amina Yusuf", "Yusuf"]
    assert "Blinken" not in other.article.text
    assert [t.stances for t in other.triples] == [t.stances for t in gold().triples]


def test_a_country_goes_with_its_capital_and_demonym():
    forms = {form for row in countries() if row[0] in ("Russia", "Ukraine") for form in row}
    for seed in range(20):
        other = swapped(gold(), [], random.Random(seed)).article.text
        left = {form for form in forms if form in other}
        assert ("Moscow" in left) == ("Russian" in left)
        assert ("Kyiv" in left) == ("Ukraine" in left)


def test_offsets_stay_exact_whatever_is_drawn():
    for seed in range(50):
        other = swapped(gold(), ["Amina Yusuf", "Bo Li"], random.Random(seed))
        assert parse_row(to_row(other)) == other
        assert phrases(other)[2][1] == "him"
        assert [other.article.text[s.start : s.end].endswith(".") for s in other.sentences] == [True, True]


def test_only_names_of_persons_are_drawn():
    assert person_names([gold()]) == ["Antony Blinken"]
