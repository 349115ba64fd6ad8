"""What wraps every request: its id, the limit of its body, and an answer when our own code fails."""

import logging
import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stancery.service.problems import Problem, problem_response

HEADER = "x-request-id"
_USABLE_ID = re.compile(r"[\x21-\x7e]{1,128}")

_log = logging.getLogger("stancery.service")


class RequestId:
    """Sends `x-request-id` with every response, the caller's where it is printable and at most 128 characters.

    It also answers 500 to what no handler knows, since the framework would do that outside of it, without the id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid4().hex
        is_started = False

        async def send_with_id(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            _log.exception("request %s failed", request_id)
            if is_started:
                raise
            detail = f"The service failed; its log tells why under request {request_id}. Report it if it happens again."
            await problem_response(500, detail)(scope, receive, send_with_id)


class BodyLimit:
    """Answers 413 to a body that is too large: before it is read where its length is declared, else while it is read.

    Args:
        app: what comes next.
        max_bytes: largest body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        detail = f"The body is over {self.max_bytes} bytes. Send less at once, or raise STANCERY_MAX_BODY_BYTES."
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self.max_bytes:
            await problem_response(413, detail)(scope, receive, send)
            return
        read = 0

        async def receive_within() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.max_bytes:
                raise Problem(413, detail)
            return message

        await self.app(scope, receive_within, send)
