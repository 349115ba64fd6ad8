import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stancery.model import sentences
from stancery.model.sentences import split_sentences


def check(marked: str) -> None:
    """Check that the text, written with a bar wherever a sentence ends, is split at the bars and nowhere else."""
    text = marked.replace("|", "")
    assert [text[start:end] for start, end in split_sentences(text)] == [part.strip() for part in marked.split("|")]


def test_the_module_offers_one_function():
    assert sentences.__all__ == ["split_sentences"]


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\r\n", "\u00a0\u2028\u3000"])
def test_a_text_without_characters_has_no_sentences(text):
    assert split_sentences(text) == []


def test_offsets_count_code_points():
    text = "😀 Ja! 😀 Nein!"
    assert split_sentences(text) == [(0, 5), (6, 13)]


@pytest.mark.parametrize(
    "marked",
    [
        "Oslo agreed.| Riga did not.",
        "Who agreed?| Nobody!| What now?!| We wait.",
        "Oslo agreed.|Riga, in haste, did too.",
        "Oslo agreed. |\u00a0\u2003Riga did not.",
        "Exports fell by 2.5%.| Prices rose by 3.1 percent.",
        "Oslo paid $4.2 bn.| The bank was content.",
        "Oslo paid 4.2 bn. euros in March.",
        "They met Prime Minister May.| Tartu kept silent, as it told me.| Minsk did not.",
        "Read it at https://news.example.org/a.b?c=d.e or ask press.office@example.org.| Then call.",
        "It was held on Friday.| 12 people came.",
        "Riga said no.[4]| Oslo agreed.",
    ],
)
def test_a_full_stop_ends_a_sentence(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "Mr. Ozols and Ms. Tamm met Dr. Al-Amin, Gen. In-ho Kim and Lt. Col. Ray.| They agreed.",
        "Sen. Berg, Gov. Lind, Rep. Holm, Rev. Moe and Brig. Al Hadi stood in St. Olaf Street.",
        "A. B. Berg wrote to Eva T. Lind and J.R. Holm.| All three M.S. Larsen knew.",
        "Mr. An, Ms. So and Gen. Will met at St. Paul.| They agreed.",
        "No. 10 refused.| The answer was a plain no.| Riga left.",
        "It was Riga vs. Tartu in court, e.g. Holm vs. Lind.",
        "The talks of Jan. 5 moved to Sept. 12 and then to Mon. Nov. 3 at noon.",
        "They meet at 5 p.m. Monday or at 9 a.m. on Friday.| They left at 6 p.m.| The crowd stayed.",
        "He moved from Calif. to Boston, Mass.| There he stayed.",
        "Berg Inc. bought Lind Corp. and Holm & Co. Ltd. for a song.| It was sold by Tamm Inc.| The price is secret.",
        "Lind Co.’s plan and Holm Jr.’s reply differ.",
    ],
)
def test_an_abbreviation_does_not_end_a_sentence_unless_one_begins_after_it(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "It was passed in the U.S.| The bill goes to Oslo.",
        "The U.S. Senate passed it, and the U.S. will pay.",
        "Riga asked the U.N. Security Council.| It met in Washington, D.C.| They voted.",
    ],
)
def test_initials_end_a_sentence_where_the_next_word_often_begins_one(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "“We agree.”| He left.",
        "“We agree.” said Berg.| He left.",
        '"We agree."| Then he left.| "So do we," she said.| "Good."',
        "“We agree,” said Berg.| “They do not.”| “Who?”",
        "“Will you agree?” he asked.| Nobody did.",
        "“Will you agree?” Minister Eva Lind asked the house.| Nobody did.",
        "“We agree.” Lind says.| Nobody else did.",
        "“We agree.”| Lind said later that she had not.",
        "“We shall see!”| Lind’s added words drew laughter.",
        "«Agreed.»| He left.",
        "He spoke of ‘the end.’| Then he left.",
    ],
)
def test_a_closing_quote_belongs_to_the_sentence_before(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "He said: “We agreed on Friday. They did not. Shame.”| Then he left.",
        'He said: "We agreed on Friday. They did not," and left.| She stayed.',
        "‘We agreed on Friday. They didn’t come,’ he said.| ‘Good.’| She laughed.",
        "'We agreed on Friday. They didn't come,' he said.| The unions' lawyers left.",
        "“We agreed on Friday. “They did not,” he said.| She stayed.",
        "He came late (nobody knows why. Some guess) and left.| She stayed.",
    ],
)
def test_quoted_speech_stays_in_one_piece(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "“We agreed on Friday.| They did not.\n\n|“Then we left,” he said.",
        "“We agreed.| " + "Nobody spoke of it again.| " * 60 + "It was over.”",
        "The mark “ stood alone.| Nobody closed it.",
        "Berg said.|“Nobody agreed.",
    ],
)
def test_a_quote_that_never_closes_holds_nothing_together(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "They waited …| Then they left.",
        "They waited...| Then they left.",
        "They waited … and left.",
        "They had “waited...” .| Then they left.",
        "“We wait …”| Then they left.",
    ],
)
def test_an_ellipsis_ends_a_sentence_before_a_capital(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "Riga and Tartu agree\n\n|The two towns signed.| Oslo watched.",
        "Riga and Tartu agree\n|The two towns signed.",
        "Riga and Tartu agree\r\n \t\r\n|the two towns signed.",
        "Riga and Tartu agree\u2029|The two towns signed.",
        "What they want:\n|• lower tolls\n|• more trains\n|• peace.",
        "What they want:\n|1. Lower tolls.\n|2. More trains\n|10) Peace",
        "- lower tolls\n|- more trains",
        "a) lower tolls for every lorry and every bus of both towns\n|b) more trains at night, for lorries cannot carry us all",
        "Tolls are too high.| Eva Lind Oslo |• Trains are late, writes a reader.",
        "Trains |• Tolls |• Bridges",
        "Under section 5(2) and rule (a) Riga must 1) pay and 2) leave.",
    ],
)
def test_a_headline_and_every_item_of_a_list_is_a_sentence(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "The envoys of the two towns, who had met on Sunday,\nagreed on lower tolls.",
        "“We have agreed on lower tolls and on more night trains,”\nhe said.| She nodded.",
        "The envoys of the two towns met on Sunday in the house of\n"
        "the old mayor.| Both towns want lower tolls, said Minister\n"
        "Lind, and both want more trains at night.",
    ],
)
def test_a_line_that_an_editor_wrapped_goes_on(marked):
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "双方同意了。|他走了。|你呢？|好！",
        "他说：“好。”|她走了。|“好。”",
        "هل وافقوا؟| نعم وافقوا.| من رفض؟| لا أحد.",
        "वे सहमत हुए।| वह चली गई।",
        "Они согласны.| Кто ушёл?| Никто.",
        "合意した。|彼は去った。",
    ],
)
def test_other_scripts_end_their_sentences_too(marked):
    check(marked)


def test_a_no_break_space_after_an_initial_is_harmless():
    # sentencex 1.0.32 panics on it.
    assert split_sentences("A\u00a0. B\u3000. C\u2028.")


def test_a_paragraph_longer_than_the_window_is_split_alike():
    sentence = "Riga and Mr. Berg of the U.S. Senate agreed with Tartu on lower tolls. "
    for shift in range(0, len(sentence), 7):
        spans = split_sentences("x" * shift + " " + sentence * 200)
        assert len(spans) == 200


HOSTILE = {
    "no space": "a" * 1_000_000,
    "newlines": "\n" * 100_000,
    "short lines": "a\n" * 100_000,
    "opening brackets": "(" * 50_000,
    "brackets": "()" * 25_000,
    "full stops": "." * 1_000_000,
    "straight quotes": '"' * 1_000_000,
    "opening quotes": "“" * 1_000_000,
    "closing quotes": "”" * 1_000_000,
    "apostrophes": "'" * 1_000_000,
    "spaced apostrophes": " 'a" * 300_000,
    "spaces": " " * 1_000_000,
    "initials": "U.S." * 250_000,
    "bracketed sentences": "(a. B) " * 100_000,
    "ellipses and marks": "…!" * 300_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_split_within_two_seconds(text):
    start = time.process_time()
    split_sentences(text)
    assert time.process_time() - start < 2


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
MARKS = ["Mr.", "U.S.", "said", "Riga", "it", "4", "1.", "•", "a@b.org", "http://a.b", "http", "😀", "好", "é", "İ"]
MARKS += list(" .!?…。؟।,:;\"“”„‘’'«»()[]-–—\n\r\t\x0b\x0c\x1c\x1f\x85\u00a0\u200b\u2028\u3000\ufeff\0A")
MARKED_TEXT = st.lists(st.sampled_from(MARKS)).map("".join)


@settings(deadline=None)
@given(ANY_TEXT | MARKED_TEXT)
@example("\x1fA\u00a0.\x1c")
@example("“a. “b. c.” ”“ ")
def test_every_character_but_white_space_lies_in_exactly_one_sentence(text):
    position = 0
    for start, end in split_sentences(text):
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@settings(deadline=None)
@given(ANY_TEXT | MARKED_TEXT, ANY_TEXT | MARKED_TEXT)
def test_a_blank_line_always_ends_a_sentence(above, below):
    text = f"{above}\n\n{below}"
    offset = len(above) + 2
    expected = [*split_sentences(above), *((start + offset, end + offset) for start, end in split_sentences(below))]
    assert split_sentences(text) == expected
