"""The picture of a report in the index: a figure of the lesson, made small."""

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Twice the place that the index has for it, since many screens put two pixels into one of a page.
SIZE = (600, 288)
COLOURS = 64


def thumbnail(notebook: "NotebookNode") -> bytes | None:
    """Return the notebook's first figure as a PNG of at most :data:`SIZE`, ``None`` where it has no figure.

    A lesson's first figure shows what it is about; its last one, what goes wrong.
    """
    figures = [
        output.data["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    if not figures:
        return None
    picture = Image.open(io.BytesIO(base64.b64decode(figures[0]))).convert("RGB")
    picture.thumbnail(SIZE)
    file = io.BytesIO()
    picture.quantize(COLOURS).save(file, "png", optimize=True)
    return file.getvalue()
