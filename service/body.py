"""Request bodies: read within the limit, and parsed as JSON that every later step can carry."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from stancery.service.problems import Problem


class JsonRequest(Request):
    """A request whose body must be JSON; whatever else it is, is a problem that says so."""

    async def json(self) -> object:
        """The parsed body.

        Raises:
            Problem: 422, the body is not UTF-8 or not JSON.
        """
        return parse_json(await self.body())


class JsonRoute(APIRoute):
    """A route that takes JSON alone and parses it strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind a stricter request."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            if self.body_field is not None:
                _require_json(request.headers.get("content-type", ""))
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json


def parse_json(body: bytes) -> object:
    """Strict JSON: UTF-8, no NaN or Infinity. Lone surrogates pass, so that their field can be named.

    Raises:
        Problem: 422, with the place that cannot be read.
    """
    try:
        parsed: object = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
        return parsed
    except UnicodeDecodeError as error:
        raise Problem(422, f"Byte {error.start} of the body is not UTF-8. Send JSON in UTF-8.", "") from None
    except RecursionError:
        raise Problem(422, "The body is nested too deep. Send an object as /docs shows.", "") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(422, f"The body is not JSON: {error.msg} at {where}. Correct it there.", "") from None
    except ValueError as error:  # NaN, or an integer of thousands of digits
        raise Problem(422, f"The body is not JSON: {str(error)[:100]}. Send finite numbers.", "") from None


def _require_json(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    shown = f"Content-Type is {kind[:60]!r}" if kind else "Content-Type is missing"
    raise Problem(415, f"{shown}. Send JSON with the header Content-Type: application/json.")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")
