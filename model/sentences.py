"""Text -> sentences with exact offsets: sentencex proposes boundaries, the rules here dispose.

Left to itself sentencex 1.0 takes minutes on 1 MB of quotation marks, panics at a no-break space between an initial and
its full stop, and runs sentences together at line breaks and odd quotes. So it reads one paragraph at a time, at most
`WINDOW` characters at once, with double quotes and unusual white space blanked; quotes and line breaks are judged here.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

import sentencex

from stancery.model.article import Span

__all__ = ["split_sentences"]

# sentencex needs quadratic time within a paragraph full of brackets, quotes or full stops.
WINDOW = 2000

_BREAK = r"\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_BREAK}]+")
_ONE_BREAK = re.compile(rf"\r\n|[{_BREAK}]")
_LIST_ITEM = re.compile(r"[-–—•·▪●◦*]\s|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)](?!\d)")
# Shorter lines are headlines, items and verses, longer ones whole paragraphs: neither was wrapped by an editor.
_WRAPPED = range(40, 121)

_BLANKED = re.compile(r"[\"“”„«»]|[^\S ]")
# Quoted speech stays in one piece with whoever says it, and so does what stands in brackets. A pair that lies further
# apart was not meant as one.
_WHOLE = re.compile(r'“[^“”]{0,1000}”|(?<![\w.!?,…])"[^"]{0,1000}"|«[^«»]{0,1000}»|\([^()]{0,1000}\)')
# A mark that touches the word after it opens the next sentence, whatever its shape: `says.“I was`, `hours.»They`.
_CLOSERS = re.compile(r"""(?:["'”’»“)\]」』]+(?![A-Za-z]))?(?:\s+”(?!\w))?""")

# Boundaries that sentencex misses: after an ellipsis or question, after a long word (it takes "May." for the month
# and apostrophes for quotes), and before an item of a list that runs on in one line.
_MISSED = re.compile(r"(?:(?<=[…?])|(?<=\.\.\.)|(?<=[a-z]{4}\.)) +(?=[A-Z])| +(?=[•▪●] ?\w)")
_BULLET = re.compile(r"\s*[•▪●]")
_NUMBER = re.compile(r"\s*\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]+\s*\Z")
# What cannot begin a sentence: `Co.’s`, `Jr.®`, `(…),`, closing marks and nothing more.
_GOES_ON = re.compile(r"\s*(?:[\W_]*\Z|[.,;:)\]%&®™]|[–—-]|[’'][a-z]?\b)")
_NEXT_WORD = re.compile(r"\W*(\w*)")
_LAST_WORD = re.compile(r"(?<![\w.&/’'-])[\w.&/’'-]*\w(?=\.[\"'”’»)\]\s]*\Z)")
# `“Why?” Ms Ray asked` and `“We stay.” Ray says.`: the speaker belongs to the quote. `“We stay.” Ray said that` is new.
_SPEAKER = re.compile(
    r"\s*(?:(?:[A-Z][\w’'.-]*|he|she|they) ){1,4}"
    r"(?:said|says|asked|asks|added|adds|told|tells|wrote|writes|tweeted|recalled|recalls)\b([.,]?)"
)

# These stand before a name or number, so that no sentence ends at them.
_TITLES = frozenset(
    "Mr Mrs Ms Mx Dr Drs Prof Gen Gens Sen Sens Rep Reps Gov Lt Col Maj Brig Capt Cpl Sgt Cmdr Adm Supt Insp Amb Atty "
    "Rev Fr Msgr Messrs Mme Hon Pres St Mt Ft No Nos vs e.g i.e cf approx".split()
)
# These stand anywhere: they end a sentence where a word follows that often begins one.
_ABBREVIATIONS = frozenset("bn mn mln tn Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun Mass Wash Md Ph.D plc LLC".split())
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_STARTERS = frozenset(
    "a after all although an and as asked at both but by for from he her here his however i if in it its last many "
    "meanwhile most my no not now on one or our she since so some still that the their then there these they this "
    "those to two under we what when where while who why with you".split()
)


def split_sentences(text: str) -> list[Span]:
    """Find the sentences of a text, in order.

    Args:
        text: any Unicode text without lone surrogates.

    Returns:
        Spans that start and end on a character other than white space. They do not overlap, and every such
        character lies in exactly one. Text that is empty or all white space has none.
    """
    sentences: list[Span] = []
    for start, end in _paragraphs(text):
        paragraph = text[start:end]
        for left, right in pairwise([0, *_cuts(paragraph), len(paragraph)]):
            sentence = paragraph[left:right]
            left += len(sentence) - len(sentence.lstrip())
            sentences.append(Span(start + left, start + left + len(sentence.strip())))
    return sentences


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield each line that holds text, and as one those that an editor wrapped."""
    block: list[re.Match[str]] = []
    for line in _LINE.finditer(text):
        if not line[0].strip():
            continue
        if block and not _ONE_BREAK.fullmatch(text, block[-1].end(), line.start()):
            yield from _unwrapped(block)
            block = []
        block.append(line)
    if block:
        yield from _unwrapped(block)


def _unwrapped(block: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Yield the lines between two blank ones: each on its own, unless it goes on with the sentence before."""
    lines = [line[0].strip() for line in block]
    width = max(map(len, lines))
    # An editor breaks a line where the next word does not fit, which now and then begins with a small letter.
    filled = (
        width in _WRAPPED
        and any(line[0].islower() for line in lines)
        and all(len(one) + 1 + len(two.split(None, 1)[0]) > width for one, two in pairwise(lines))
    )
    start = block[0].start()
    for i, (one, two) in enumerate(pairwise(lines)):
        unfinished = two[0].islower() and one.rstrip("\"'”’")[-1:] not in ".!?…:;" and len(one) in _WRAPPED
        if _LIST_ITEM.match(two) or not (filled or unfinished):
            yield start, block[i].end()
            start = block[i + 1].start()
    yield start, block[-1].end()


def _cuts(paragraph: str) -> list[int]:
    """Find where sentences end within a paragraph, its own end left out."""
    plain = _BLANKED.sub(" ", paragraph)
    gaps = {*_proposed(plain), *(gap.start() for gap in _MISSED.finditer(plain))}
    wholes = (whole.span() for whole in _WHOLE.finditer(paragraph))
    whole = next(wholes, None)
    cuts = [0]
    for gap in sorted(gaps):
        closers = _CLOSERS.match(paragraph, gap)
        cut = closers.end() if closers else gap
        while whole and whole[1] <= cut:
            whole = next(wholes, None)
        if cut > cuts[-1] and not (whole and whole[0] < cut) and _is_end(paragraph, cuts[-1], gap, cut):
            cuts.append(cut)
    return cuts[1:]


def _proposed(plain: str) -> Iterator[int]:
    """Yield where the visible text ends before each boundary that sentencex sees."""
    start = 0
    while start < len(plain):
        pieces = sentencex.segment("en", plain[start : start + WINDOW])
        if start + WINDOW < len(plain):
            unread = pieces.pop()  # the window cut it, not sentencex: read it again, unless it fills the window
            start += 0 if pieces else len(unread)
        for piece in pieces:
            yield start + len(piece.rstrip())
            start += len(piece)


def _is_end(paragraph: str, begin: int, gap: int, cut: int) -> bool:
    """Judge whether a sentence from `begin`, whose last visible character stands before `gap`, ends at `cut`."""
    if _BULLET.match(paragraph, cut):
        return True
    if _GOES_ON.match(paragraph, cut) or _NUMBER.fullmatch(paragraph, begin, cut):
        return False
    # sentencex also cuts after "4)" as if it were an item.
    if paragraph[gap - 1] == ")" and paragraph[gap - 2 : gap - 1].isalnum():
        return False
    after = _NEXT_WORD.match(paragraph, cut)
    word = after[1] if after else ""
    quoted = cut > gap or paragraph[gap - 1] in "'’"
    if quoted and word[:1].islower():
        return False
    speaker = _SPEAKER.match(paragraph, cut) if quoted else None
    if speaker and (speaker[1] or "." not in paragraph[gap - 2 : cut]):
        return False
    last = _LAST_WORD.search(paragraph, max(begin, cut - 24), cut)
    if not last or last[0] in _TITLES:
        return not last
    return not (last[0] in _ABBREVIATIONS or _INITIALS.fullmatch(last[0])) or word.lower() in _STARTERS
