"""Sentences and the text before them -> windows of token ids with exact character offsets.

A window holds as many whole sentences as fit, after a tail of the text before them. Each sentence is thus encoded
once, sees what was said before it, and costs little more than its own tokens.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stancery.model.article import Span

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Letter case that an uncased vocabulary loses: no letters, lower, Capitalised, UPPER, miXed. "US" is not "us".
CASINGS = 5

# A tokenizer reads all of a text before it truncates, so characters are capped first. No window holds more.
MAX_PIECE_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, or a piece of an over-long one, within a window.

    Args:
        sentence: index of the sentence in the article.
        first: its first token in the window.
        last: its last token in the window, inclusive.
    """

    sentence: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Window:
    """What the network reads at once.

    Args:
        ids: token ids, special tokens included, int64 (tokens,).
        casing: letter case of each token, 0 to `CASINGS` - 1, int64 (tokens,).
        offsets: characters [start, end) of each token in the article, int64 (tokens, 2); (0, 0) for special tokens.
        segments: the sentences to label; tokens outside them are context.
        starts: whether a span may start at the token, that is at a word's start, bool (tokens,).
        ends: whether a span may end with the token, bool (tokens,).
    """

    ids: Ints
    casing: Ints
    offsets: Ints
    segments: tuple[Segment, ...]
    starts: Bools
    ends: Bools

    def segment_of_token(self) -> Ints:
        """Index into `segments` of each token, int64 (tokens,); -1 for context and special tokens."""
        owner = np.full(len(self.ids), -1, dtype=np.int64)
        for n, segment in enumerate(self.segments):
            owner[segment.first : segment.last + 1] = n
        return owner

    def tokens_of_span(self, span: Span) -> tuple[int, int] | None:
        """First and last token (inclusive) that share a character with the span; None if no labelled token does."""
        touching = (self.offsets[:, 0] < span.end) & (self.offsets[:, 1] > span.start)
        touching &= self.segment_of_token() >= 0
        found = np.flatnonzero(touching)
        return (int(found[0]), int(found[-1])) if len(found) else None

    def pair(self, actor: Span, target: Span) -> Ints | None:
        """First and last token of actor, target and their segment, int64 (1, 6); None if no segment holds both."""
        found = self.tokens_of_span(actor), self.tokens_of_span(target)
        if found[0] is None or found[1] is None:
            return None
        (a_first, a_last), (t_first, t_last) = found[0], found[1]
        first, last = min(a_first, t_first), max(a_last, t_last)
        for segment in self.segments:
            if segment.first <= first and last <= segment.last:
                row = (a_first, a_last, t_first, t_last, segment.first, segment.last)
                return np.array([row], dtype=np.int64)
        return None


@dataclass(frozen=True, slots=True)
class _Piece:
    sentence: int
    ids: Ints
    offsets: Ints


class WindowEncoder:
    """Cuts articles into windows.

    Args:
        tokenizer: of the base encoder, without truncation or padding.
        max_tokens: tokens a window holds at most, special tokens included.
        context_tokens: tokens of the text before a window's first sentence that it shows at most.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, context_tokens: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        probe = tokenizer.encode("a")
        special = np.array(probe.special_tokens_mask, dtype=bool)
        inner = np.flatnonzero(~special)
        ids = np.array(probe.ids, dtype=np.int64)
        self._prefix, self._suffix = ids[: inner[0]], ids[inner[-1] + 1 :]
        self._room = max_tokens - len(self._prefix) - len(self._suffix)
        self._context = min(context_tokens, self._room // 2)

    def windows(self, text: str, sentences: list[Span]) -> list[Window]:
        """Windows that together hold every token of every sentence once, in order."""
        pieces = self._pieces(text, sentences)
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        context = _Piece(-1, np.empty(0, np.int64), np.empty((0, 2), np.int64))
        windows: list[Window] = []
        begin = 0
        while begin < len(pieces):
            used = len(context.ids)
            end = begin
            while end < len(pieces) and used + len(pieces[end].ids) <= self._room:
                used += len(pieces[end].ids)
                end += 1
            windows.append(self._window(codes, context, pieces[begin:end]))
            context = self._tail(context, pieces[begin:end])
            begin = end
        return windows

    def _pieces(self, text: str, sentences: list[Span]) -> list[_Piece]:
        """Tokenised sentences; those longer than a window's own room in several pieces."""
        room = self._room - self._context
        parts = [(n, part) for n, span in enumerate(sentences) for part in _cut_characters(text, span)]
        encoded = self._tokenizer.encode_batch([text[s.start : s.end] for _, s in parts], add_special_tokens=False)
        pieces: list[_Piece] = []
        for (sentence, span), encoding in zip(parts, encoded, strict=True):
            ids = np.array(encoding.ids, dtype=np.int64)
            offsets = np.array(
                [_trim(text, span.start + a, span.start + b) for a, b in encoding.offsets], dtype=np.int64
            )
            offsets = offsets.reshape(-1, 2)
            bounds = _cut_tokens(text, offsets, room)
            pieces += [_Piece(sentence, ids[a:b], offsets[a:b]) for a, b in pairwise(bounds)]
        return pieces

    def _tail(self, context: _Piece, pieces: list[_Piece]) -> _Piece:
        keep = self._context
        ids = np.concatenate([context.ids, *(p.ids for p in pieces)])
        offsets = np.concatenate([context.offsets, *(p.offsets for p in pieces)])
        return _Piece(-1, ids[-keep:] if keep else ids[:0], offsets[-keep:] if keep else offsets[:0])

    def _window(self, codes: NDArray[np.uint32], context: _Piece, pieces: list[_Piece]) -> Window:
        none = np.zeros((1, 2), np.int64)
        before, after = none.repeat(len(self._prefix), 0), none.repeat(len(self._suffix), 0)
        ids = np.concatenate([self._prefix, context.ids, *(p.ids for p in pieces), self._suffix])
        offsets = np.concatenate([before, context.offsets, *(p.offsets for p in pieces), after])
        segments, at = [], len(self._prefix) + len(context.ids)
        for piece in pieces:
            segments.append(Segment(piece.sentence, at, at + len(piece.ids) - 1))
            at += len(piece.ids)
        casing = _casing(codes, offsets)
        starts, ends = _word_edges(codes, offsets)
        return Window(ids, casing, offsets, tuple(segments), starts, ends)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Some tokenizers count the blank before a word to it."""
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _cut_characters(text: str, span: Span) -> list[Span]:
    """The span in pieces of at most `MAX_PIECE_CHARACTERS`, cut at white space where there is any."""
    pieces, start = [], span.start
    while span.end - start > MAX_PIECE_CHARACTERS:
        limit = start + MAX_PIECE_CHARACTERS
        cut = max(text.rfind(blank, start + 1, limit) for blank in " \n\t\u00a0\u3000")
        end = cut if cut > start else limit
        pieces.append(Span(start, end))
        start = end
    return [*pieces, Span(start, span.end)]


def _cut_tokens(text: str, offsets: Ints, room: int) -> list[int]:
    """Bounds of pieces of at most `room` tokens, each but the last ending at white space where there is any."""
    bounds = [0]
    while len(offsets) - bounds[-1] > room:
        limit = bounds[-1] + room
        cut = next(
            (i for i in range(limit, bounds[-1] + room // 2, -1) if text[max(offsets[i, 0] - 1, 0)].isspace()), limit
        )
        bounds.append(cut)
    return [*bounds, len(offsets)] if len(offsets) else bounds


@cache
def _character_tables() -> tuple[Bools, Bools, Bools]:
    """Whether each character of the Basic Multilingual Plane is upper case, lower case, part of a spaced word."""
    characters = [chr(code) for code in range(0x10000)]
    upper = np.array([c.isupper() for c in characters])
    lower = np.array([c.islower() for c in characters])
    word = np.array([c.isalnum() for c in characters])
    # Scripts without spaces between words: a span may start and end at any character.
    for first, last in ((0x0E00, 0x0EFF), (0x3040, 0x30FF), (0x3400, 0x9FFF)):
        word[first : last + 1] = False
    return upper, lower, word


def _lookup(table: Bools, codes: NDArray[np.uint32]) -> Bools:
    # Beyond the Basic Multilingual Plane: mostly emoji. U+FFFF is no letter either.
    found: Bools = table[np.minimum(codes, 0xFFFF)]
    return found


def _casing(codes: NDArray[np.uint32], offsets: Ints) -> Ints:
    upper, lower, _ = _character_tables()
    uppers = np.concatenate([[0], np.cumsum(_lookup(upper, codes))])
    lowers = np.concatenate([[0], np.cumsum(_lookup(lower, codes))])
    first_is_upper = np.concatenate([_lookup(upper, codes), [False]])[offsets[:, 0]]
    up = uppers[offsets[:, 1]] - uppers[offsets[:, 0]]
    low = lowers[offsets[:, 1]] - lowers[offsets[:, 0]]
    casing = np.select(
        [up + low == 0, up == 0, first_is_upper & (up == 1), low == 0],
        [0, 1, 2, 3],
        default=4,
    )
    return casing.astype(np.int64)


def _word_edges(codes: NDArray[np.uint32], offsets: Ints) -> tuple[Bools, Bools]:
    """Whether each token starts, and ends, at a word's edge; False for special tokens."""
    word = np.concatenate([[False], _lookup(_character_tables()[2], codes), [False]])
    start, end = offsets[:, 0], offsets[:, 1]
    real = end > start
    # `word` is shifted by one, so word[i] is the character before i.
    starts = real & ~(word[start] & word[start + 1])
    ends = real & ~(word[end] & word[np.minimum(end + 1, len(word) - 1)])
    return starts, ends
