"""What a service refuses: a request, or to be started at all."""


class ServingError(Exception):
    """A model that cannot be exported or served; the message is one paragraph that names the remedy."""


class RequestError(Exception):
    """A request that gets no prediction: an HTTP status code, and the reason as the client is told it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
