"""Every error as `application/problem+json` (RFC 9457): what happened, where, and what to do."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stancery.model.errors import ArticleError, ModelError

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 16  # a batch of bad articles must not make an answer longer than itself

# Of statuses that the framework raises itself.
_DETAILS = {
    404: "Nothing is served at this address. /docs lists what is.",
    405: "This address does not take that method. The Allow header names those that it takes; /docs shows them.",
}

# Of pydantic's error types, where its own words lack what to do.
_WORDS = {
    "missing": "This field is missing. Add it.",
    "string_type": "This must be a string.",
    "model_attributes_type": "This must be a JSON object.",
    "model_type": "This must be a JSON object.",
    "dict_type": "This must be a JSON object.",
    "list_type": "This must be a list.",
    "tuple_type": "This must be [start, end], in characters.",
    "int_type": "This must be an integer.",
    "float_type": "This must be a number.",
}


class Problem(HTTPException):
    """An error that a request meets.

    Args:
        status: HTTP status.
        detail: what happened and what to do; never the input itself.
        pointer: JSON pointer to the field that is wrong.
        headers: to send along.
    """

    def __init__(
        self, status: int, detail: str, pointer: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.pointer = pointer


def problem_response(
    status: int,
    detail: str,
    pointer: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a request that failed; `errors` where several fields are wrong."""
    body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body["detail"] = detail
    if pointer is not None:
        body["pointer"] = pointer
    if errors:
        body["errors"] = list(errors)
    return Response(json.dumps(body), status, headers, MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Answer everything that a route raises with a problem."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ArticleError, _on_article)
    app.add_exception_handler(ModelError, _on_model)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    pointer = error.pointer if isinstance(error, Problem) else None
    detail = error.detail if isinstance(error, Problem) else _DETAILS.get(error.status_code, error.detail)
    return problem_response(error.status_code, detail, pointer, headers=error.headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"pointer": _pointer(detail["loc"][1:]), "detail": _WORDS.get(detail["type"]) or f"{detail['msg']}."}
        for detail in error.errors()[:MAX_ERRORS]
    ]
    first = found[0]
    if not first["pointer"]:
        first["detail"] = "The body is no JSON object. Send one as /docs shows."
    return problem_response(422, first["detail"], first["pointer"], found if len(found) > 1 else ())


async def _on_article(request: Request, error: Exception) -> Response:
    assert isinstance(error, ArticleError)
    return problem_response(422, str(error), error.pointer)


async def _on_model(request: Request, error: Exception) -> Response:
    return problem_response(409, str(error))


def _pointer(location: Sequence[object]) -> str:
    """JSON pointer, RFC 6901, of pydantic's location."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
