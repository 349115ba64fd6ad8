"""Everything that Stancery raises for what a user can cause.

StanceryError
├── ArticleError      an article, a pair or a sentence that cannot be used
├── DataError         files of labelled articles with problems, all listed
├── ModelError        a model folder that is missing, incomplete, altered or of another format
└── SettingsError     a setting or flag with an impossible value
"""

from collections.abc import Sequence


class StanceryError(Exception):
    """What happened, with the values, and what to do about it."""


class ArticleError(StanceryError):
    """An article, a pair or a sentence that cannot be used.

    Args:
        message: what is wrong and what to do.
        pointer: JSON pointer (RFC 6901) to the field within the article, `/text` for example.
    """

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class DataError(StanceryError):
    """Files of labelled articles with problems; `problems` holds one line each, `FILE:LINE: what, and what to do`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class ModelError(StanceryError):
    """A model folder that is missing, incomplete, altered or of another format."""


class SettingsError(StanceryError):
    """A setting or flag with an impossible value."""
