"""The article of a web page as plain text."""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.dammit import EncodingDetector
from bs4.element import CData, NavigableString, PageElement, Tag

from stancery.model.errors import DataError

_UNSEEN = frozenset(
    "head title script style noscript template svg math iframe object canvas select datalist button".split()  # noqa: SIM905 - words read better
)
_ASIDE = frozenset(("nav", "aside", "footer", "form"))  # seen, but not of the article
_BLOCKS = frozenset(
    "address article blockquote body caption dd details dialog div dl dt fieldset figcaption figure h1 h2 h3 h4 h5 h6 "  # noqa: SIM905
    "header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_BLANKS = re.compile(r"[ \t\n\r\f\v]+")  # HTML's white space; a no-break space stays
_MOST_ARTICLES = 100  # of which the longest is taken; the others are teasers


def webpage_text(content: bytes, place: str) -> str:
    """The visible text of <article>, else <main>, else <body>: a paragraph per block element, empty if there is none.

    Raises:
        DataError: the page is neither UTF-8 nor in the encoding that it declares.
    """
    soup = BeautifulSoup(_decode(content, place), "html.parser")
    articles = soup.find_all("article", limit=_MOST_ARTICLES)
    root = max(articles, key=lambda tag: len(tag.get_text())) if articles else soup.find("main") or soup.body or soup
    paragraphs: list[list[str]] = [[]]
    for piece in _pieces(root):
        if piece is None:
            paragraphs.append([])
        else:
            paragraphs[-1].append(piece)
    lines = (_BLANKS.sub(" ", "".join(pieces)).strip() for pieces in paragraphs)
    return "\n\n".join(line for line in lines if line)


def _pieces(root: PageElement) -> Iterator[str | None]:
    """Visible text in order, and None wherever a block begins or ends; without recursion, for pages nest deep."""
    stack: list[PageElement | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:
            yield None
        elif isinstance(node, Tag):
            if node.name in _UNSEEN or _is_hidden(node) or (node.name in _ASIDE and node is not root):
                continue
            if node.name == "br":
                yield " "
            edge = [None] if node.name in _BLOCKS else []
            stack += [*edge, *reversed(node.contents), *edge]
        elif type(node) in (NavigableString, CData):  # comments and declarations are children of it
            yield str(node)


def _is_hidden(node: Tag) -> bool:
    style = str(node.get("style") or "").replace(" ", "").lower()
    return node.has_attr("hidden") or "display:none" in style


def _decode(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        declared = EncodingDetector.find_declared_encoding(content, is_html=True)
        try:
            return content.decode(declared or "utf-8")
        except (UnicodeDecodeError, LookupError):
            said = f"not {declared!r}, as it declares" if declared else "not UTF-8, and it declares no encoding"
            raise DataError([f"{place}: byte {error.start} is {said}; save the page as UTF-8"]) from None
