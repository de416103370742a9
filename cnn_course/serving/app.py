"""The web service: TensorFlow Serving's addresses, answered by a model of the course. Derived in lesson 13."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from cnn_course import machine
from cnn_course.serving import contract, parsing
from cnn_course.serving.batching import Batcher
from cnn_course.serving.contract import Limits
from cnn_course.serving.errors import RequestError, ServingError
from cnn_course.serving.metrics import Metrics
from cnn_course.serving.room import Room
from cnn_course.serving.versions import Versions

# A body of this length is dealt with in some milliseconds; a longer one beside the event loop.
QUICKLY_READ = 2**16
# Times the longest body that are read, and thrown away, of a body that is too long.
STILL_READ = 4

log = logging.getLogger(__name__)


def create_app(
    folder: Path,
    *,
    name: str | None = None,
    batching: bool = True,
    largest_batch: int = 64,
    poll_seconds: float = 1.0,
    limits: Limits | None = None,
    versions: Versions | None = None,
) -> FastAPI:
    """Return the service of the model in ``folder``, its newest version loaded.

    Besides TensorFlow Serving's addresses under ``/v1/models/NAME`` it answers ``/metrics`` in Prometheus' format.

    Args:
        folder: The model's folder, which holds a numbered folder for each version.
        name: The model's name in the addresses; by default that of the folder.
        batching: Whether requests that come together are computed together.
        largest_batch: Rows that are computed together at most.
        poll_seconds: Time between two looks into the folder for a new version.
        limits: What a request may ask for.
        versions: In the place of those in ``folder``.

    Raises:
        ServingError: The folder holds no version that can be loaded.
    """
    limits = limits or Limits()
    versions = versions or Versions(folder, name)
    versions.refresh()
    if versions.served is None:
        raise ServingError(_nothing_to_serve(versions))
    metrics, room = Metrics(), Room(limits)
    metrics.version(versions.served)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.batcher = Batcher(
            largest=largest_batch if batching else 1,
            workers=1 if batching else machine.usable_cores(),
            observe=metrics.batch,
        )
        watching = asyncio.create_task(_watch(versions, metrics, poll_seconds))
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await asyncio.to_thread(app.state.batcher.close)

    # Without the pages that describe an interface: they would load their scripts from elsewhere.
    app = FastAPI(title=versions.name, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)

    app.state.metrics = metrics

    @app.get("/metrics")
    @app.get("/monitoring/prometheus/metrics")  # where TensorFlow Serving has them
    async def tell_metrics() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    async def answer(request: Request) -> Response:
        with metrics.request() as seen:
            try:
                target = contract.route(request.method, request.scope["path"])
                seen["action"] = target.action
                content, code = await _answered(request, target, versions, app.state.batcher, metrics, room), 200
            except RequestError as error:
                content, code = contract.error(error.reason), error.status
            except ClientDisconnect:
                content, code = contract.error("The client has gone."), 400
            except Exception:
                log.exception("A request failed.")  # for the operator; a client is not told how the server is made
                content, code = contract.error("The server could not compute this."), 500
            seen["code"] = code
        return Response(content, status_code=code, media_type="application/json")

    return app


async def _answered(
    request: Request, target: contract.Target, versions: Versions, batcher: Batcher, metrics: Metrics, room: Room
) -> bytes:
    """Return the body of a good answer."""
    if target.action == "status":
        if target.model != versions.name:
            raise RequestError(404, f"Could not find any versions of model {target.model[:100]}")
        states = versions.states(target.version)
        return contract.status([(each.number, each.state, each.error_code, each.error_message) for each in states])
    if target.model != versions.name:
        asked = target.model[:100] if target.version is None else f"{target.model[:100]}, {target.version}"
        which = "Latest" if target.version is None else "Specific"
        raise RequestError(404, f"Servable not found for request: {which}({asked})")
    if target.action == "metadata":
        with versions.lease(target.version) as version:
            return contract.metadata(versions.name, version.number, version.signatures)
    with room.place() as take:
        body = await _received(request, room.limits, take)
        return await _predicted(body, target, versions, batcher, metrics, room.limits)


async def _predicted(
    body: bytes, target: contract.Target, versions: Versions, batcher: Batcher, metrics: Metrics, limits: Limits
) -> bytes:
    beside = len(body) > QUICKLY_READ
    with versions.lease(target.version) as version:
        asked = await _called(beside, parsing.parse, body, version.signatures, limits)
        signature = version.signatures[asked.signature]
        shapes = tuple(values.shape[1:] for values in asked.tensors.values())
        lengths = {len(values) for values in asked.tensors.values() if values.ndim}
        together = signature.takes_batches and len(lengths) == 1
        outputs = await batcher.run(
            lambda tensors: version.execute(asked.signature, tensors),
            asked.tensors,
            key=(version, asked.signature, shapes) if together else None,
        )
    await _called(beside, metrics.images, asked.tensors, outputs)
    return await _called(beside, contract.answer, outputs, by_row=asked.by_row)


async def _called(beside: bool, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a function, in another thread where it may take longer than the event loop can be kept waiting."""
    return await asyncio.to_thread(function, *arguments, **named) if beside else function(*arguments, **named)


async def _received(request: Request, limits: Limits, take: Callable[[int], None]) -> bytes:
    """Return the body of a request, unless it is too long or comes too slowly.

    A body that is a little too long is read to its end and thrown away: a client that is still sending when the
    connection is closed may not see the reason.
    """
    too_long = RequestError(413, f"The body is longer than {limits.body_bytes:,} bytes.")
    patience = STILL_READ * limits.body_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > patience:
        raise too_long
    body, length = bytearray(), 0
    try:
        async with asyncio.timeout(limits.receive_seconds):
            async for chunk in request.stream():
                length += len(chunk)
                if length <= limits.body_bytes:
                    take(len(chunk))
                    body += chunk
                elif length > patience:
                    raise too_long
    except TimeoutError:
        raise RequestError(408, f"The body did not arrive within {limits.receive_seconds:g} seconds.") from None
    if length > limits.body_bytes:
        raise too_long
    return bytes(body)


async def _watch(versions: Versions, metrics: Metrics, seconds: float) -> None:
    """Look for a new version from time to time, beside the requests."""
    while True:
        await asyncio.sleep(seconds)
        try:
            if await asyncio.to_thread(versions.refresh):
                metrics.version(versions.served)
                log.info("Version %s is served.", versions.served)
        except Exception:
            log.exception("The folder of the model could not be looked at.")


def _nothing_to_serve(versions: Versions) -> str:
    try:
        problems = [state.error_message for state in versions.states()]
    except RequestError:
        problems = []
    if problems:
        return f"{versions.folder} has no version that can be loaded. {' '.join(problems)}"
    return (
        f"{versions.folder} has no version of a model: a folder that is named by a number and holds a SavedModel. "
        "'cnn-course export' writes one."
    )
