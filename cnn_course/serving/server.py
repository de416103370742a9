"""Start and stop the service: in the foreground of a command, or in a thread of a notebook or a test."""

import asyncio
import signal
import socket
import threading
import time
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from cnn_course.serving.errors import ServingError

LOCAL = "127.0.0.1"  # nobody outside this machine
PORT = 8501  # TensorFlow Serving's


# Seconds at the end of the server after which an answer is given up of which its client takes nothing.
TAKES_NOTHING = 10.0


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, which comes to its end whatever its clients do.

    At its end uvicorn closes the connections that it knows, each when its answer is sent, and waits until there are
    none. One that was accepted in just that moment is not among them: a client that asks on and on would keep the
    server alive for ever. So they are closed again and again. And so would a client that does not read its answer:
    where nothing of it has gone out for a while, the connection is cut.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        closing = asyncio.create_task(self._close_connections())
        try:
            await super().shutdown(sockets)
        finally:
            closing.cancel()

    async def _close_connections(self) -> None:
        unsent: dict[Any, tuple[int, float]] = {}  # bytes that wait for a client, and since when it has taken none
        while True:
            await asyncio.sleep(0.1)
            for connection in list(self.server_state.connections):
                transport, now = connection.transport, time.monotonic()
                if not transport.is_closing():
                    connection.shutdown()
                size = transport.get_write_buffer_size()
                if unsent.get(connection, (0, now))[0] != size:
                    unsent[connection] = (size, now)
                elif size and now - unsent[connection][1] > TAKES_NOTHING:
                    transport.abort()


class Server:
    """A service that answers in a thread of this process until it is stopped.

    ``address`` is where, as ``http://127.0.0.1:PORT``. Use it in a ``with`` block, or call :meth:`stop`.
    """

    def __init__(self, app: FastAPI, *, host: str = LOCAL, port: int = 0) -> None:
        self._socket = bound(host, port)
        self.address = address_of(self._socket)
        self._server = _Uvicorn(_config(app))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True, name="server")
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                self._socket.close()
                raise ServingError("The server did not start; its log says why.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Accept no more, answer what was accepted, and end."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Answer on a :func:`bound` socket until the process is asked to end (Ctrl+C or SIGTERM), then finish and return.

    What was accepted is answered; a second Ctrl+C does not wait for it.
    """
    server = _Uvicorn(_config(app))

    def asked_to_end(number: int, frame: FrameType | None) -> None:
        """Stand in the place of the handlers that would end the process; uvicorn calls it at its own end."""
        server.should_exit = True

    before = {number: signal.signal(number, asked_to_end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run([listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that has an address, and refuses no client from then on; port 0 takes a free one.

    Raises:
        ServingError: The address is not this machine's, or taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServingError(f"{host} is no address of this machine ({error.strerror}). Try {LOCAL}.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise ServingError(f"{host}:{port} cannot be listened on ({reason}). Give another port.") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the address of a bound socket, as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(app: FastAPI) -> uvicorn.Config:
    # No access log: at hundreds of requests in a second it would cost more than the metrics, and tell less.
    return uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", timeout_keep_alive=30)
