"""Files that are whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a file beside ``path``, which takes its place when the block ends and is removed if it fails.

    So no reader ever sees half a file, and an interrupted writer leaves the old one as it was.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_arrays(path: Path, *arrays: "np.ndarray", **named: "np.ndarray") -> None:
    """Write arrays to the NumPy archive ``path``, whole or as it was before.

    Those without a name are called ``arr_0``, ``arr_1`` and so on, as by :func:`numpy.savez`.
    """
    import numpy as np  # the commands start without it

    with replacing(path) as part, part.open("wb") as stream:  # to a name, savez would add an ending
        np.savez(stream, *arrays, **named)
