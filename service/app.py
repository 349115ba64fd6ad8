"""The HTTP service: routes, and what surrounds them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response

from stancery.service.body import JsonRoute
from stancery.service.middleware import BodyLimit, RequestId
from stancery.service.problems import MEDIA_TYPE, Problem, add_handlers
from stancery.service.schema import (
    ArticleAnswer,
    ArticleRequest,
    BatchAnswer,
    BatchRequest,
    ModelAnswer,
    PairsAnswer,
    PairsRequest,
    ProblemAnswer,
    StatusAnswer,
    article_answer,
    model_answer,
    pairs_answer,
)
from stancery.service.served import ServedModel
from stancery.service.settings import Settings

Loaded = Callable[[ServedModel], None]


def create_app(settings: Settings, on_loaded: Loaded | None = None) -> FastAPI:
    """The service; it answers at once and labels as soon as its model is loaded and warm.

    Args:
        settings: which model, and the limits.
        on_loaded: called once with the model when it is ready, or has failed to load.
    """
    served = ServedModel(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def load() -> None:
            await asyncio.to_thread(served.load)
            if on_loaded is not None:
                on_loaded(served)

        loading = asyncio.create_task(load())
        yield
        served.close()
        await loading

    app = FastAPI(
        title="Stancery",
        summary="News article in, (actor, stance, target) triples per sentence out.",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(RequestId), Middleware(BodyLimit, max_bytes=settings.max_body_bytes)],
    )
    add_handlers(app)
    app.include_router(_status_routes(served))
    app.include_router(_predict_routes(served))
    _describe_problems(app)
    return app


def _predict_routes(served: ServedModel) -> APIRouter:
    # Answers are built and written in the worker thread, an article at a time, so the event loop only carries bytes.
    router = APIRouter(route_class=JsonRoute, tags=["predict"], responses=_problems(409, 413, 415, 422, 503))
    settings = served.settings

    @router.post("/predict", response_model=ArticleAnswer)
    async def predict(request: ArticleRequest) -> Response:
        """Label one article."""

        def answer() -> str:
            (labelled,) = served.label([("", request)])
            return article_answer(labelled, served.classifier.info).model_dump_json()

        return await _answer(answer)

    @router.post("/predict/batch", response_model=BatchAnswer)
    async def predict_batch(request: BatchRequest) -> Response:
        """Label several articles; one bad article refuses them all and is named."""
        _check_count("/articles", len(request.articles), settings.max_articles, "STANCERY_MAX_ARTICLES")
        items = [(f"/articles/{n}", article) for n, article in enumerate(request.articles)]

        def answer() -> str:
            info = served.classifier.info
            answers = (article_answer(labelled, info).model_dump_json() for labelled in served.label(items))
            return f'{{"articles":[{",".join(answers)}]}}'

        return await _answer(answer)

    @router.post("/predict/pairs", response_model=PairsAnswer)
    async def predict_pairs(request: PairsRequest) -> Response:
        """Probabilities of what each given actor takes toward its given target."""
        _check_count("/items", len(request.items), settings.max_pairs, "STANCERY_MAX_PAIRS")
        return await _answer(lambda: pairs_answer(served.score_pairs(request.items)).model_dump_json())

    return router


def _status_routes(served: ServedModel) -> APIRouter:
    router = APIRouter(tags=["status"])

    @router.get("/health")
    async def health() -> StatusAnswer:
        """Whether the process is alive."""
        return StatusAnswer(status="alive")

    @router.get("/ready", responses=_problems(503))
    async def ready() -> StatusAnswer:
        """Whether the model is loaded and warm."""
        _ = served.classifier
        return StatusAnswer(status="ready")

    @router.get("/model", responses=_problems(503))
    async def model() -> ModelAnswer:
        """What model is served."""
        return model_answer(served.classifier.info, served.settings.threshold)

    @router.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs")

    return router


async def _answer(build: Callable[[], str]) -> Response:
    body = await run_in_threadpool(lambda: build().encode())
    return Response(body, media_type="application/json")


def _check_count(pointer: str, count: int, most: int, variable: str) -> None:
    if count > most:
        raise Problem(422, f"{count} are more than {most} at once. Send fewer, or raise {variable}.", pointer)


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ProblemAnswer} for status in statuses}


def _describe_problems(app: FastAPI) -> None:
    """Let /openapi.json name the media type that problems have."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path in describe()["paths"].values():
                for operation in path.values():
                    for status, response in operation["responses"].items():
                        if status >= "4":
                            response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
        return describe()

    app.openapi = openapi  # type: ignore[method-assign]
