"""Draw ``shapes10.png``, the picture in this folder's README: four images of each class, and the masks of the fourth.

python data/draw_shapes10.py [FILE]
"""

import os
import sys
from pathlib import Path

import numpy as np

from cnn_course import plots, shapes

STORED = Path(__file__).resolve().with_name("shapes10.png")


def draw() -> plots.Figure:
    """Return the figure: one column a class."""
    images, labels, masks = shapes.generate(40, seed=0)
    by_class = np.argsort(labels, kind="stable").reshape(len(shapes.CLASS_NAMES), -1)
    rows = [images[members] for members in by_class.T] + [masks[by_class[:, -1]] * np.uint8(255)]
    figure, axes = plots.new_figure(
        len(rows),
        len(shapes.CLASS_NAMES),
        size=(9.0, 4.9),
        alt="Four images of each of the ten shapes, and in the fifth row the masks of the fourth.",
    )
    for row, pictures in zip(axes, rows, strict=True):
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture, cmap="gray", interpolation="nearest")
            axis.axis("off")
    for axis, name in zip(axes[0], shapes.CLASS_NAMES, strict=True):
        axis.set_title(name, fontsize=10, loc="center")
    return figure


def write(path: Path) -> None:
    """Draw beside ``path`` and rename."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        draw().savefig(part, format="png", dpi=100, metadata={"Software": None})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else STORED)
