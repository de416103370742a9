"""The figures of lesson 01: what a kernel reads, and what comes out."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import colors, patches, ticker

from cnn_course.plots.style import COLOURS, Figure, new_figure

WINDOW_TINT, OUTPUT_TINT, PADDING_TINT = "#FBE3CC", "#CFE5F2", "#EFEFEF"


def number_grids(
    grids: dict[str, np.ndarray], *, form: str = "{:g}", blocks: int | None = None, cell: float = 0.42
) -> Figure:
    """Return small matrices side by side with their numbers, each under its name.

    With ``blocks`` the first one is tinted in blocks of that many rows and columns, and each entry of the others in
    the tint of its block.
    """
    alt = "Small matrices. " + "; ".join(f"{name}: {values.tolist()}" for name, values in grids.items())
    tallest = max(values.shape[0] for values in grids.values())
    # At least as wide as a name, so that every square has the same size.
    widths = [max(values.shape[1], 3.6) for values in grids.values()]
    size = (cell * (sum(widths) + len(grids)), cell * tallest + 0.35)
    drawn, axes = new_figure(1, len(grids), size=size, alt=alt, squeeze=False, width_ratios=widths)
    tints = (WINDOW_TINT, OUTPUT_TINT, "#D6EFE4", "#F3E0EC")
    across = -(-next(iter(grids.values())).shape[1] // blocks) if blocks else 0
    for k, (axis, (name, values)) in enumerate(zip(axes.flat, grids.items(), strict=True)):
        fills = {}
        if blocks is not None:
            of_block = blocks if k == 0 else 1
            for r, c in np.ndindex(values.shape):
                fills[r, c] = tints[(r // of_block * across + c // of_block) % len(tints)]
        _draw_numbers(axis, values, form, fills)
        middle = (values.shape[1] - 1) / 2
        axis.set(xlim=(middle - widths[k] / 2 - 0.05, middle + widths[k] / 2 + 0.05), ylim=(tallest - 0.45, -0.55))
        axis.set_title(name, loc="center", fontsize=10)
    return drawn


def sliding_kernel(
    image: np.ndarray, kernel: np.ndarray, output: np.ndarray, positions: Sequence[tuple[int, int]]
) -> Figure:
    """Return a kernel at some of its ``positions`` (row, column) on an image, and below each the output so far.

    ``image``, ``kernel`` and ``output`` are two-dimensional; the kernel moves by one pixel. What it has not reached
    yet is left empty.
    """
    height, width = kernel.shape
    columns = len(positions)
    alt = f"A kernel at {columns} positions on an image of numbers, and the output computed so far: " + ", ".join(
        f"{output[place]:g} at {place}" for place in positions
    )
    drawn, axes = new_figure(
        2,
        columns + 1,
        size=(1.85 * columns + 1.3, 3.6),
        alt=alt,
        width_ratios=[width, *[image.shape[1]] * columns],
        height_ratios=[image.shape[0], output.shape[0]],
    )
    _draw_numbers(axes[0, 0], kernel, "{:g}", dict.fromkeys(np.ndindex(kernel.shape), WINDOW_TINT))
    axes[0, 0].set_title("kernel", loc="center", fontsize=10)
    axes[1, 0].axis("off")
    for k, (row, column) in enumerate(positions):
        under = {(row + i, column + j): WINDOW_TINT for i, j in np.ndindex(kernel.shape)}
        top, bottom = axes[:, k + 1]
        _draw_numbers(top, image, "{:g}", under)
        _outline(top, row, column, height, width, COLOURS[1])
        top.set_title(f"window at ({row}, {column})", loc="center", fontsize=10)
        reached = np.arange(output.size).reshape(output.shape) <= row * output.shape[1] + column
        _draw_numbers(bottom, np.where(reached, output, np.nan), "{:g}", {(row, column): OUTPUT_TINT})
        _outline(bottom, row, column, 1, 1, COLOURS[0])
        bottom.set_title(f"output[{row}, {column}] = {output[row, column]:g}", loc="center", fontsize=10)
    return drawn


def window_steps(walks: dict[str, dict[str, int]]) -> Figure:
    """Return for each walk of a window over a square image the pixels that two neighbouring outputs see.

    Those of the first output are dots, those of the one to its right squares. Each walk has ``size``, ``kernel``,
    ``stride``, ``dilation``, and the zeros ``before`` and ``after``, all in pixels; the zeros are grey.
    """
    alt = f"The pixels of an image that two neighbouring outputs see: {', '.join(walks)}."
    widths = [walk["before"] + walk["size"] + walk["after"] for walk in walks.values()]
    # Of the same width for each cell, so that a pixel has the same size in every panel.
    size = (0.34 * sum(widths), 0.34 * max(widths) + 0.35)
    drawn, axes = new_figure(1, len(walks), size=size, alt=alt, squeeze=False, width_ratios=widths)
    for axis, full, (name, walk) in zip(axes.flat, widths, walks.items(), strict=True):
        before, size = walk["before"], walk["size"]
        fills = {
            place: PADDING_TINT
            for place in np.ndindex(full, full)
            if not all(before <= index < before + size for index in place)
        }
        _draw_numbers(axis, np.full((full, full), np.nan), "", fills)
        taps = np.arange(walk["kernel"]) * walk["dilation"]
        columns, rows = np.meshgrid(taps, taps)
        axis.scatter(columns, rows, s=75, color=COLOURS[0])
        axis.scatter(columns + walk["stride"], rows, s=150, marker="s", facecolors="none", edgecolors=COLOURS[1])
        axis.set_ylim(max(widths) - 0.45, -0.55)
        axis.set_title(name, loc="center", fontsize=10)
    return drawn


def filter_responses(
    photo: np.ndarray, filters: dict[str, tuple[np.ndarray | None, np.ndarray]], *, panel: float = 1.95
) -> Figure:
    """Return a grey photo (height, width; 0 to 1) and what each filter makes of it, the kernel in a corner.

    ``filters`` gives for each name the kernel (two-dimensional) and its response; ``None`` as kernel stands for a
    response of no single kernel, which is not negative. The response to a kernel whose entries sum to zero is signed,
    and drawn with zero in middle grey. ``panel`` is the width of one picture in inches.
    """
    alt = f"A grey photo and what filters make of it: {'; '.join(filters)}."
    columns = min(4, len(filters) + 1)
    rows = -(-(len(filters) + 1) // columns)
    drawn, axes = new_figure(rows, columns, size=(panel * columns, (panel + 0.25) * rows), alt=alt, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    axes.flat[0].imshow(photo, cmap="gray", vmin=0, vmax=1)
    axes.flat[0].set_title("the photo", loc="center", fontsize=10)
    for axis, (name, (kernel, response)) in zip(axes.flat[1:], filters.items(), strict=False):
        # A few extreme pixels would leave all others grey.
        reach = float(np.quantile(np.abs(response), 0.995))
        total = 0 if kernel is None else round(float(kernel.sum()), 9)  # 0.1 + 0.2 - 0.3 is meant to be nothing
        lowest, highest = (0, 1) if total else (0 if kernel is None else -reach, reach)
        axis.imshow(response, cmap="gray", vmin=lowest, vmax=highest)
        axis.set_title(name, loc="center", fontsize=10)
        if kernel is not None:
            _draw_kernel(axis.inset_axes((0.02, 0.02, 0.36, 0.36)), kernel)
    return drawn


def receptive_fields(maps: dict[str, np.ndarray], boxes: Sequence[tuple[range, range]], *, bar_label: str) -> Figure:
    """Return heat maps (height, width; non-negative) side by side, each scaled to its largest value, with its box.

    ``boxes`` gives the rows and the columns that each theoretical field covers; a panel shows these and a margin. The
    colours are logarithmic, so that the faint edge of a field is seen.
    """
    margin = 3.5  # pixels, from the middle of the last one
    alt = "Heat maps, each with the box of its theoretical field: " + ", ".join(
        f"{len(rows)} by {len(columns)} pixels for {name}" for name, (rows, columns) in zip(maps, boxes, strict=True)
    )
    drawn, axes = new_figure(1, len(maps), size=(2.4 * len(maps) + 0.6, 2.9), alt=alt, squeeze=False)
    norm = colors.LogNorm(1e-2, 1.0)
    cmap = mpl.colormaps["viridis"].with_extremes(bad="white", under="#440154")
    for axis, (name, values), (rows, columns) in zip(axes.flat, maps.items(), boxes, strict=True):
        scaled = np.ma.masked_equal(values / values.max(), 0)
        shown = axis.imshow(scaled, norm=norm, cmap=cmap, interpolation="nearest")
        _outline(axis, rows[0], columns[0], len(rows), len(columns), COLOURS[1])
        axis.grid(visible=False)
        axis.set_title(f"{name}\n{len(rows)} x {len(columns)} pixels", loc="center", fontsize=10)
        axis.set(xlabel="column (pixels)", xlim=(columns[0] - margin, columns[-1] + margin))
        axis.set_ylim(rows[-1] + margin, rows[0] - margin)
        for direction in (axis.xaxis, axis.yaxis):
            direction.set_major_locator(ticker.MaxNLocator(5, integer=True))
    axes[0, 0].set_ylabel("row (pixels)")
    drawn.colorbar(shown, ax=axes.ravel().tolist(), label=bar_label, shrink=0.8)
    return drawn


def _draw_numbers(
    axis: Any, values: np.ndarray, form: str, fills: dict[tuple[int, int], str], fontsize: float = 9
) -> None:
    """Draw a matrix as squares with its numbers; NaN leaves a square empty, ``fills`` colours some of them."""
    rows, columns = values.shape
    for r, c in np.ndindex(rows, columns):
        square = patches.Rectangle((c - 0.5, r - 0.5), 1, 1, facecolor=fills.get((r, c), "white"))
        square.set(edgecolor="#A8A8A8", linewidth=0.7)
        axis.add_patch(square)
        if np.isfinite(values[r, c]):
            axis.text(c, r, form.format(values[r, c]), ha="center", va="center", fontsize=fontsize)
    axis.set(xlim=(-0.55, columns - 0.45), ylim=(rows - 0.45, -0.55), aspect="equal", anchor="N")
    axis.axis("off")


def _draw_kernel(axis: Any, kernel: np.ndarray) -> None:
    """Draw a kernel: the numbers of a small one, shades for a large one."""
    if kernel.shape[0] <= 3:
        _draw_numbers(axis, kernel, "{:g}", {}, fontsize=7)
    else:
        # Bright is a large weight, as bright is a large value in the picture beside it.
        axis.imshow(kernel, cmap="gray", vmin=0)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(visible=True, color="white", linewidth=1.5)


def _outline(axis: Any, row: int, column: int, height: int, width: int, colour: str) -> None:
    """Draw the border of a rectangle of pixels."""
    box = patches.Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor=colour, linewidth=2)
    axis.add_patch(box)
