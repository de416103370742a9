"""What can be wrong with a data set."""


class DatasetUnavailable(Exception):
    """A set that is neither on this machine nor to be downloaded; the message says what was tried and what helps."""


class DatasetBroken(ValueError):
    """A file or folder of images that is there and cannot be used; the message names it and what is wrong with it."""


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message without its full stop, to be quoted in another message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
