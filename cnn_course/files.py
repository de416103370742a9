"""Files that are whole or not there, and files that are read with care."""

import contextlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def read_arrays(path: Path) -> "dict[str, np.ndarray]":
    """Return the arrays of the NumPy archive ``path`` by their names; nothing in it is unpickled.

    Raises:
        OSError: There is no such file, or it cannot be opened.
        ValueError: It is no archive of arrays, is cut off or damaged, or holds objects; the message says which.
    """
    import numpy as np

    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds one array, not an archive of named arrays")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except (EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy hands out the bytes of what is no array
            raise ValueError(f"{name} in it is no array")
    return arrays


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object that a file holds, ``None`` where there is no such file or it holds something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
