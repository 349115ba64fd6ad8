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
# Marks further apart were not meant as a pair.
LONGEST_WHOLE = 1000
# Shorter lines are headlines, items and verses, longer ones whole paragraphs: no editor wrapped them.
WRAPPED = range(40, 121)

_BREAK = r"\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_BREAK}]+")
_ONE_BREAK = re.compile(rf"\r\n|[{_BREAK}]")
_LIST_ITEM = re.compile(r"[-–—•·▪●◦*]\s|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)](?!\d)|\(?[A-Z]\)")

_BLANKED = re.compile(r"[\"“”„«»]|[^\S ]")
# Quoted speech stays in one piece with whoever says it, over paragraphs too (`“We go. “We stay,” he said`), and so does
# what stands in brackets. Group 1 is empty where a quote never closes: trying its every mark would take quadratic time.
_WHOLE = re.compile(
    r'“[^”]*(”|\Z)|(?<![\w.!?,…])"[^"]*"|«[^«»]*»|\([^()]*\)'
    r"|‘(?:[^‘’]|’(?=\w))*’|(?<!\S)'(?=\w)(?:[^']|(?<=\w)'(?=\w))*'(?!\w)"
)
# A mark that touches the word after it opens the next sentence, whatever its shape: `says.“I was`, `hours.»They`.
_CLOSERS = re.compile(r"""(?:["'”’»“)\]」』]+(?![A-Za-z]))?(?:\s+”(?!\w))?""")

# Boundaries that sentencex misses: after an ellipsis or question; after a long word or a blanked quote, where it takes
# an apostrophe for a quote; after words it takes for Maine, a month and the like.
_MISSED = re.compile(
    r"[.!?…](?:(?<=[…?])|(?<=\.\.\.)|(?<=[a-z]{4}\.)|(?<=[.!])(?=  )|"
    r"(?<=\b(?:me|no|OK|DC)\.)|(?<=\b(?:May|may|art|ill)\.))"
    r"(?= +['‘]?[A-Z])"
)
# A list may run on in one line.
_BEFORE_BULLET = re.compile(r"[^ ](?= +[•▪●] ?\w)")
# A list number is no sentence.
_NUMBER = re.compile(r"\s*\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]+\s*")
_GOES_ON = re.compile(r"\s*[.,;:)\]]")
# `“Why?” Ms Ray asked` and `“We stay.” Ray says.`: the speaker belongs to the quote. `“We stay.” Ray said that` is new.
_SPEAKER = re.compile(
    r"\s*(?:(?:[A-Z][\w’'.-]*(?<![’']s)|he|she|they) ){1,4}"
    r"(?:said|says|asked|asks|added|adds|told|tells|wrote|writes|tweeted|recalled|recalls)\b([.,]?)"
)
_LAST_WORD = re.compile(r"(?<![\w.&/’'-])[\w.&/’'-]*\w(?=\.[\"'”’»)\]\s]*\Z)")
_NEXT_WORD = re.compile(r"\W{0,9}(\w*)")

# These stand before a name, be it An, So or Will: nothing ends at them.
_TITLE = re.compile(
    r"M[rsx]|Mrs|Drs?|Prof|Gens?|Sens?|Reps?|Gov|Lt|Col|Maj|Brig|Capt|Cpl|Sgt|Cmdr|Adm|Supt|Insp|Amb|Atty|Rev|Fr|Msgr"
    r"|Messrs|Mme|Hon|Pres|St|Mt|vs|e\.g|i\.e"
)
# Without a vowel, as in `5 bn. euros`, it is no word, and a small letter goes on with the sentence.
_UNIT = re.compile(r"[^\Waeiou]+")
# These stand anywhere, as do initials (`U.S.`, `p.m.`): they end a sentence if a word follows that often begins one.
_ABBREVIATION = re.compile(r"Mon|Tues?|Wed|Thu|Thurs?|Fri|Sat|Sun|Mass|Wash|Md|Ph\.D|plc|LLC|(?:[^\W\d_]\.)+[^\W\d_]")
_STARTER = re.compile(
    r"After|All|Although|And?|As|Asked|At|A|Both|But|By|For|From|Her?|Here|His|However|If|In|Its?|I|Last|Many|Meanwhile"
    r"|Most|My|No|Not|Now|One?|Or|Our|She|Since|Some|So|Still|That|The|Their|Then|There|These|They|This|Those|Two|To"
    r"|Under|What|When|Where|While|Who|Why|With|We|You"
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
        width in WRAPPED
        and any(line[0].islower() for line in lines)
        and all(len(one) + 1 + len(two.split(None, 1)[0]) > width for one, two in pairwise(lines))
    )
    start = block[0].start()
    for i, (one, two) in enumerate(pairwise(lines)):
        unfinished = two[0].islower() and one.rstrip("\"'”’")[-1:] not in ".!?…:;" and len(one) in WRAPPED
        if _LIST_ITEM.match(two) or not (filled or unfinished):
            yield start, block[i].end()
            start = block[i + 1].start()
    yield start, block[-1].end()


def _cuts(paragraph: str) -> list[int]:
    """Find where sentences end within a paragraph, its own end left out."""
    plain = _BLANKED.sub(" ", paragraph)
    # What holds no letter or digit, a closing mark say, is no sentence of its own.
    last = next((i for i in range(len(plain) - 1, -1, -1) if plain[i].isalnum()), 0)
    gaps = set(_proposed(plain))
    gaps.update(before.end() for pattern in (_MISSED, _BEFORE_BULLET) for before in pattern.finditer(plain))
    wholes = _wholes(paragraph)
    whole = next(wholes, None)
    cuts = [0]
    for gap in sorted(gap for gap in gaps if gap <= last):
        while whole and whole[1] <= gap:
            whole = next(wholes, None)
        closers = _CLOSERS.match(paragraph, gap)
        cut = closers.end() if closers else gap
        if whole and whole[0] >= gap:
            cut = min(cut, whole[0])  # what closes would be the next one's opening mark
        inside = whole and whole[0] < cut < whole[1]
        if cuts[-1] < cut <= last and not inside and _is_end(paragraph, cuts[-1], gap, cut):
            cuts.append(cut)
    return cuts[1:]


def _wholes(paragraph: str) -> Iterator[tuple[int, int]]:
    """Yield what stays in one piece."""
    for whole in _WHOLE.finditer(paragraph):
        start, end = whole.span()
        if end - start > LONGEST_WHOLE:
            start = paragraph.rfind("“", start, end)
        if whole[1] != "" and start >= 0 and end - start <= LONGEST_WHOLE:
            yield start, end


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
    if _GOES_ON.match(paragraph, cut) or _NUMBER.fullmatch(paragraph, begin, cut):
        return False
    # sentencex takes `(4)` and `4)` within a sentence for list numbers.
    if paragraph[gap - 1] == ")" and paragraph[gap - 2 : gap - 1].isalnum():
        return False
    following = _NEXT_WORD.match(paragraph, cut)
    word = following[1] if following else ""
    if cut > gap or paragraph[gap - 1] in "'’":
        speaker = _SPEAKER.match(paragraph, cut)
        if word[:1].islower() or (speaker and (speaker[1] or paragraph[gap - 1] in "!?")):
            return False
    last = _LAST_WORD.search(paragraph, max(begin, cut - 24), cut)
    if last and (_TITLE.fullmatch(last[0]) or (word[:1].islower() and _UNIT.fullmatch(last[0]))):
        return False
    return not (last and _ABBREVIATION.fullmatch(last[0])) or bool(_STARTER.fullmatch(word))
