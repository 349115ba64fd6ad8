import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from stancery.model.article import Article, Span
from stancery.model.encode import WindowEncoder
from stancery.model.sentences import split_sentences
from stancery.training.train import load_tokenizer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400) | st.text(
    "ab C.“” \n\U0001f600字", max_size=900
)


def encode(encoder, text):
    return encoder.windows(text, split_sentences(text))


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_every_token_of_every_sentence_lies_in_exactly_one_segment(tiny_encoder, text):
    sentences = split_sentences(text)
    covered = set()
    for window in tiny_encoder.windows(text, sentences):
        assert len(window.ids) <= 96
        for segment in window.segments:
            for start, end in window.offsets[segment.first : segment.last + 1].tolist():
                assert sentences[segment.sentence].holds(Span(start, end))
                assert not covered & set(range(start, end)), "a character was read twice"
                covered |= set(range(start, end))
    letters = {at for at, character in enumerate(text) if character.isascii() and character.isalnum()}
    assert letters <= covered


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_text_fails_and_all_offsets_are_exact(tiny_classifier, text):
    labelled = tiny_classifier.label(Article(text))
    assert [sentence.span for sentence in labelled.sentences] == split_sentences(text)
    for sentence in labelled.sentences:
        for triple in sentence.triples:
            assert sentence.span.holds(triple.actor)
            assert sentence.span.holds(triple.target)
            assert not triple.actor.overlaps(triple.target)
            assert 0 <= triple.confidence <= 1


def test_a_window_shows_the_text_before_it(tiny_base):
    encoder = WindowEncoder(load_tokenizer(str(tiny_base)), max_tokens=24, context_tokens=8)
    text = "Oslo met Riga. Tartu praised Minsk. Kyiv waited."
    first, second, *_ = encode(encoder, text)
    context = second.segment_of_token() == -1
    shown = "".join(text[a:b] for a, b in second.offsets[context].tolist())
    assert 0 < sum(context) <= 8 + 2
    assert "OslometRiga.".endswith(shown)
    assert first.segments[0].sentence == 0
    assert second.segments[0].sentence == 1


def test_an_over_long_sentence_is_cut_at_white_space(tiny_encoder):
    text = "Riga " * 200 + "slept."
    windows = encode(tiny_encoder, text)
    assert len(windows) > 1
    for window in windows:
        for segment in window.segments:
            start, end = window.offsets[segment.first, 0], window.offsets[segment.last, 1]
            assert text[start] == text[start : start + 1].strip()
            assert start == 0 or text[start - 1] == " "
            assert end == len(text) or text[end] == " "


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "x" * 300_000, "\n" * 100_000, "a" + "\u0301" * 5_000])
def test_hostile_texts_are_encoded(tiny_encoder, text):
    for window in encode(tiny_encoder, text):
        assert len(window.ids) <= 96


def test_letter_case_survives_an_uncased_vocabulary(tiny_encoder):
    (window,) = encode(tiny_encoder, "US us Us uS 7.")
    words = {(int(a), int(b)): c for (a, b), c in zip(window.offsets, window.casing, strict=True)}
    assert [words[0, 1], words[1, 2]] == [2, 2]  # letter by letter, both capitals
    assert [words[3, 4], words[12, 13]] == [1, 0]


def test_spans_begin_and_end_at_words_or_inside_compounds(tiny_encoder):
    text = "US-backed Kiev’s 中国 end"
    (window,) = encode(tiny_encoder, text)
    starts = {text[a] + str(a) for a, _ in window.offsets[window.starts].tolist()}
    ends = {int(b) for _, b in window.offsets[window.ends].tolist()}
    assert {"U0", "b3", "K10"} <= starts
    assert "S1" not in starts
    assert {2, 9, 14} <= ends
    assert 13 not in ends


def test_spans_in_two_segments_are_no_pair(tiny_encoder):
    text = "Oslo slept. Riga woke."
    (window,) = tiny_encoder.windows(text, [Span(0, 11), Span(12, 22)])
    assert window.pair(Span(0, 4), Span(12, 16)) is None
    assert window.pair(Span(0, 4), Span(5, 10)).dtype == np.int64


def test_a_blank_that_a_tokenizer_counts_to_a_word_is_not_part_of_a_span():
    vocabulary = {"[UNK]": 0, "\u2581the": 1, "\u2581US": 2}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    (window,) = encode(WindowEncoder(tokenizer, 16, 4), "the US")
    assert window.offsets.tolist() == [[0, 3], [4, 6]]
