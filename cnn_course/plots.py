"""Every figure of the course: functions that take arrays and return a figure with alternative text.

A :class:`Figure` that ends a notebook cell is shown at twice the screen's resolution, with the alternative text stored
in the output's metadata, where a screen reader and the HTML reports find it.
"""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import colors, figure, patches, ticker
from PIL import Image

# Okabe and Ito's palette, told apart with every common form of colour blindness (Wong, Nature Methods 8, 441, 2011).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE = {
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "font.size": 10,
    "legend.frameon": False,
    "image.cmap": "viridis",
    "figure.facecolor": "white",
}
# Set once, on import, so that what a learner draws with pyplot looks like the rest of the lesson.
mpl.rcParams.update(STYLE)
DOTS_PER_INCH = 160
SCREEN_DOTS_PER_INCH = 80


class Figure(figure.Figure):
    """A Matplotlib figure that carries its alternative text, ``alt``, into the notebook."""

    alt: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        """Return the PNG and, as its metadata, the alternative text and the size on the screen."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", metadata={"Software": None})
        png = _compact(buffer)
        # Bytes 16 to 24 of a PNG are its width and height (ISO/IEC 15948, section 11.2.2).
        width = int.from_bytes(png[16:20], "big") * SCREEN_DOTS_PER_INCH // DOTS_PER_INCH
        text = {"image/png": png, "text/plain": f"Figure: {self.alt}"}
        return text, {"image/png": {"alt": self.alt, "width": width}}


def _compact(png: io.BytesIO) -> bytes:
    """Return the same picture without its opacity, and with one channel where it is grey: half the bytes."""
    picture = Image.open(png).convert("RGB")
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        picture = red
    smaller = io.BytesIO()
    picture.save(smaller, "png", optimize=True)
    return smaller.getvalue()


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    size: tuple[float, float] = (6.4, 3.6),
    alt: str,
    **keywords: Any,
) -> tuple[Figure, Any]:
    """Return a :class:`Figure` of ``size`` inches in the course's style, and its axes as ``plt.subplots`` does."""
    drawn = Figure(figsize=size, layout="constrained")
    drawn.alt = alt
    return drawn, drawn.subplots(rows, columns, **keywords)


def image_grid(
    images: np.ndarray | Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    cell: float = 1.0,
    alt: str,
    **imshow: Any,
) -> Figure:
    """Return the images (uint8 or float in 0..1, HWC or HW) in rows of ``columns``, each under its title.

    ``cell`` is the side of one picture in inches; further keywords go to ``imshow``.
    """
    count = len(images)
    columns = min(columns, count)
    rows = -(-count // columns)
    title_height = 0.28 if titles is not None else 0.0
    drawn, axes = new_figure(rows, columns, size=(columns * cell, rows * (cell + title_height)), alt=alt, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for k, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        pixels = np.asarray(image)
        if pixels.ndim == 3 and pixels.shape[-1] == 1:
            pixels = pixels[..., 0]
        settings = {"cmap": "gray", "interpolation": "nearest"} | imshow
        axis.imshow(pixels, **settings)
        if titles is not None:
            axis.set_title(titles[k], fontsize=9, loc="center")
    return drawn


def lines(
    x: Sequence[float] | np.ndarray,
    series: dict[str, Sequence[float] | np.ndarray],
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    alt: str,
    spread: dict[str, Sequence[float] | np.ndarray] | None = None,
    size: tuple[float, float] = (6.4, 3.6),
    legend: str = "best",
    **axis_settings: Any,
) -> Figure:
    """Return one labelled line for each entry of ``series`` over ``x``, with a band of ± ``spread`` where given.

    ``legend`` is its place in Matplotlib's words; one that begins with "outside" leaves the axes to the lines. Further
    keywords go to ``Axes.set`` (``ylim=(0, 1)``, ``yscale="log"``).
    """
    drawn, axis = new_figure(size=size, alt=alt)
    x = np.asarray(x)
    every = max(1, len(x) // 12)
    for k, (name, values) in enumerate(series.items()):
        values = np.asarray(values)
        colour = COLOURS[k % len(COLOURS)]
        axis.plot(
            x[: len(values)],
            values,
            label=name,
            color=colour,
            marker=MARKERS[k % len(MARKERS)],
            markersize=4.5,
            markevery=every,
            linewidth=1.8,
        )
        if spread and name in spread:
            band = np.asarray(spread[name])
            axis.fill_between(x[: len(values)], values - band, values + band, color=colour, alpha=0.18, linewidth=0)
    if x.dtype.kind in "iu":  # half an epoch is no place for a tick
        axis.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title, **axis_settings)
    if len(series) > 1:
        owner = drawn if legend.startswith("outside") else axis
        owner.legend(*axis.get_legend_handles_labels(), loc=legend)
    return drawn


def bars(
    values: dict[str, float],
    *,
    xlabel: str,
    title: str,
    alt: str,
    spread: dict[str, float] | None = None,
    form: str = "{:.3g}",
    size: tuple[float, float] | None = None,
    **axis_settings: Any,
) -> Figure:
    """Return horizontal bars, the first entry at the top, each with its value, ± ``spread`` where given."""
    drawn, axis = new_figure(size=size or (6.4, 0.8 + 0.42 * len(values)), alt=alt)
    names = list(values)
    heights = np.array([values[name] for name in names], dtype=float)
    errors = np.array([spread.get(name, 0.0) for name in names]) if spread else None
    axis.barh(names, heights, xerr=errors, color=COLOURS[0], height=0.62, ecolor="#333333", capsize=3)
    reach = heights + (errors if errors is not None else 0)
    for k, (end, value) in enumerate(zip(reach, heights, strict=True)):
        axis.annotate(form.format(value), (end, k), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")
    axis.margins(x=0.12)
    axis.set(xlabel=xlabel, title=title, **axis_settings)
    return drawn


def prediction(image: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], *, truth: int) -> Figure:
    """Return an image (HWC) beside a bar for the probability of each class; the label's own bar stands out."""
    best = int(np.argmax(probabilities))
    alt = (
        f"An image of class {class_names[truth]}, and the probability of each class; "
        f"{class_names[best]} is the largest with {probabilities[best]:.1%}."
    )
    drawn, (left, right) = new_figure(1, 2, size=(6.4, 2.9), alt=alt, width_ratios=(1, 1.7))
    left.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray")
    left.set_title(f"label: {class_names[truth]}")
    left.axis("off")
    colours = [COLOURS[1] if k == truth else COLOURS[0] for k in range(len(class_names))]
    right.barh(list(class_names), probabilities, color=colours, height=0.7)
    right.invert_yaxis()
    right.grid(visible=False, axis="y")
    right.set(xlim=(0, 1), xlabel="probability", title=f"the network says: {class_names[best]}")
    return drawn


def heat_map(
    matrix: np.ndarray,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    bar_label: str,
    alt: str,
    size: tuple[float, float] = (6.4, 4.0),
    signed: bool = False,
    **imshow: Any,
) -> Figure:
    """Return a matrix as coloured cells with a colour bar; ``signed`` gives white for zero and two hues around it.

    Further keywords go to ``imshow``.
    """
    drawn, axis = new_figure(size=size, alt=alt)
    reach = float(np.abs(matrix).max())
    settings = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach} if signed else {}
    shown = axis.imshow(matrix, interpolation="nearest", **settings | imshow)
    axis.grid(visible=False)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    drawn.colorbar(shown, ax=axis, label=bar_label, shrink=0.85)
    return drawn


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


def filter_responses(photo: np.ndarray, filters: dict[str, tuple[np.ndarray | None, np.ndarray]]) -> Figure:
    """Return a grey photo (height, width; 0 to 1) and what each filter makes of it, the kernel in a corner.

    ``filters`` gives for each name the kernel (two-dimensional) and its response; ``None`` as kernel stands for a
    response of no single kernel, which is not negative. The response to a kernel whose entries sum to zero is signed,
    and drawn with zero in middle grey.
    """
    alt = f"A grey photo and what filters make of it: {'; '.join(filters)}."
    columns = 4
    rows = -(-(len(filters) + 1) // columns)
    drawn, axes = new_figure(rows, columns, size=(1.95 * columns, 2.2 * rows), alt=alt, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    axes.flat[0].imshow(photo, cmap="gray", vmin=0, vmax=1)
    axes.flat[0].set_title("the photo", loc="center", fontsize=10)
    for axis, (name, (kernel, response)) in zip(axes.flat[1:], filters.items(), strict=False):
        # A few extreme pixels would leave all others grey.
        reach = float(np.quantile(np.abs(response), 0.995))
        total = 0 if kernel is None else kernel.sum()
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


def functions_with_derivatives(
    x: np.ndarray, functions: dict[str, tuple[np.ndarray, np.ndarray]], *, xlabel: str, alt: str, sharey: bool = False
) -> Figure:
    """Return for each name a panel with the function's values (solid) and its derivative's (dashed) over ``x``.

    Each panel has the range of its own values, or with ``sharey`` that of all.
    """
    drawn, axes = new_figure(
        1, len(functions), size=(2.15 * len(functions), 2.7), alt=alt, squeeze=False, sharex=True, sharey=sharey
    )
    for axis, (name, (values, derivative)) in zip(axes.flat, functions.items(), strict=True):
        axis.plot(x, values, color=COLOURS[0], linewidth=1.8, label="function")
        axis.plot(x, derivative, color=COLOURS[1], linewidth=1.8, linestyle="--", label="derivative")
        axis.set_title(name, loc="center")
        axis.set_xlabel(xlabel)
    drawn.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return drawn


def seed_dots(
    groups: dict[str, Sequence[float]], *, xlabel: str, title: str, alt: str, form: str = "{:.2f}", **axis_settings: Any
) -> Figure:
    """Return a row for each group with one dot for each seed and a stroke with its number at their mean.

    The first group is at the top; further keywords go to ``Axes.set``.
    """
    drawn, axis = new_figure(size=(6.4, 0.9 + 0.5 * len(groups)), alt=alt)
    for k, values in enumerate(groups.values()):
        mean = float(np.mean(values))
        axis.plot(values, np.full(len(values), k), "o", color=COLOURS[0], markersize=6, alpha=0.6, markeredgewidth=0)
        axis.plot([mean, mean], [k - 0.22, k + 0.22], color=COLOURS[1], linewidth=2.2)
        axis.annotate(
            form.format(mean), (mean, k - 0.22), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=9
        )
    axis.set_yticks(range(len(groups)), list(groups))
    axis.set_ylim(len(groups) - 0.5, -0.75)
    axis.grid(visible=False, axis="y")
    axis.set(xlabel=xlabel, title=title, **axis_settings)
    return drawn


def accuracy_under_shift(
    shifts: Sequence[int], accuracies: dict[str, Sequence[float]], examples: np.ndarray, *, title: str, alt: str
) -> Figure:
    """Return the accuracy of each model against the shift in pixels; above each shift its example (height, width)."""
    drawn, (top, axis) = new_figure(2, 1, size=(6.6, 4.4), alt=alt, sharex=True, height_ratios=(1, 4.2))
    for shift, example in zip(shifts, examples, strict=True):
        top.imshow(example, cmap="gray", extent=(shift - 0.4, shift + 0.4, 0, 0.8), interpolation="nearest")
    top.set(ylim=(0, 0.8), aspect="equal", title=title)
    top.axis("off")
    for k, (name, values) in enumerate(accuracies.items()):
        axis.plot(shifts, values, label=name, color=COLOURS[k], marker=MARKERS[k], markersize=5, linewidth=1.8)
    axis.axhline(0.1, color="#707070", linestyle=":", linewidth=1.4)
    axis.annotate("guessing", (shifts[0], 0.1), xytext=(0, 3), textcoords="offset points", color="#505050", fontsize=9)
    axis.set(xlabel="shift to the right (pixels)", ylabel="accuracy", ylim=(0, 1.03), xticks=list(shifts))
    axis.set_xlim(shifts[0] - 0.5, shifts[-1] + 0.5)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 0.12))
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


def confusion_matrix(
    counts: np.ndarray, class_names: Sequence[str], *, size: tuple[float, float] = (6.4, 5.6)
) -> Figure:
    """Return how often each true class (rows) was given each answer (columns), in per cent of the true class.

    ``counts`` is (classes, classes). The colours leave the diagonal out, so that the mistakes can be told apart.
    """
    per_cent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mistakes = np.where(np.eye(len(per_cent), dtype=bool), 0, per_cent)
    true, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    alt = (
        f"Confusion matrix of {len(class_names)} classes, {np.trace(counts) / counts.sum():.1%} on the diagonal. "
        f"The most frequent mistake: {class_names[true]} taken for {class_names[answer]}, {mistakes.max():.0f} %."
    )
    drawn, axis = new_figure(size=size, alt=alt)
    shown = axis.imshow(np.where(np.eye(len(per_cent), dtype=bool), np.nan, per_cent), cmap="Blues", vmin=0)
    for (row, column), value in np.ndenumerate(per_cent):
        if value == 0:
            continue
        colour = "white" if row != column and value > 0.6 * mistakes.max() else "black"
        axis.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color=colour)
    axis.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right")
    axis.set_yticks(range(len(class_names)), class_names)
    axis.grid(visible=False)
    axis.set(xlabel="answer", ylabel="true class", title="Answers for each true class (%)")
    drawn.colorbar(shown, ax=axis, label="wrong answers (% of the true class)", shrink=0.8)
    return drawn


def learning_curves(history: dict[str, Sequence[float]], *, metric: str = "accuracy") -> Figure:
    """Return ``metric`` by epoch on the training and the validation images, from the history of ``fit``."""
    names = {metric: "training", f"val_{metric}": "validation"}
    curves = {name: history[key] for key, name in names.items() if key in history}
    last = {name: curve[-1] for name, curve in curves.items()}
    epochs = np.arange(1, len(history[metric]) + 1)
    return lines(
        epochs,
        curves,
        xlabel="epoch",
        ylabel=metric,
        xticks=epochs[:: -(-len(epochs) // 12)],
        title="Learning curves",
        alt=f"{metric.capitalize()} by epoch; at the end {told(last, '{:.3f}')}.",
    )


def gains(measured: dict[str, np.ndarray], *, baseline: str, unit: str, title: str) -> Figure:
    """Return how far the mean of each entry lies above ``baseline``: bars, with the standard deviation of the pairs.

    ``measured`` holds for each entry its values, one for each seed in the same order, two seeds or more.
    """
    pairs = {name: np.asarray(values) - measured[baseline] for name, values in measured.items() if name != baseline}
    means = {name: float(values.mean()) for name, values in pairs.items()}
    return bars(
        means,
        spread={name: float(values.std(ddof=1)) for name, values in pairs.items()},
        xlabel=f"gain over {baseline!r} ({unit}), mean and standard deviation",
        title=title,
        form="{:+.1f}",
        alt=f"Gain over {baseline} in {unit}: {told(means, '{:+.1f}')}.",
    )


def told(values: dict[str, float], form: str = "{:.3g}") -> str:
    """Return the values in words for an alternative text: ``a 1.5, b 2``."""
    return ", ".join(f"{name} {form.format(value)}" for name, value in values.items())


def ladder(accuracy: dict[str, np.ndarray], seconds: dict[str, np.ndarray], *, title: str) -> Figure:
    """Return two panels with a row for each step of a recipe, from the top down: test accuracy, and training time.

    Args:
        accuracy: For each step its accuracies in percent, one for each seed.
        seconds: For each step its seconds of training, one for each seed.
        title: Of the figure.
    """
    means = {name: float(np.mean(values)) for name, values in accuracy.items()}
    times = {name: float(np.mean(values)) for name, values in seconds.items()}
    alt = f"Test accuracy in percent by step: {told(means, '{:.1f}')}. Seconds of training: {told(times, '{:.0f}')}."
    drawn, (left, right) = new_figure(1, 2, size=(7.6, 1.0 + 0.42 * len(accuracy)), alt=alt, sharey=True)
    for axis, measured, form, colour in (
        (left, accuracy, "{:.1f}", COLOURS[0]),
        (right, seconds, "{:.0f}", COLOURS[1]),
    ):
        middle = np.array([np.mean(values) for values in measured.values()])
        spread = np.array([np.std(values, ddof=1) if len(values) > 1 else 0.0 for values in measured.values()])
        rows = np.arange(len(middle))
        axis.errorbar(middle, rows, xerr=spread, fmt="o-", color=colour, ecolor="#333333", capsize=3, linewidth=1.2)
        for row, (value, reach) in enumerate(zip(middle, spread, strict=True)):
            place = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 9}
            axis.annotate(form.format(value), (value + reach, row), **place)
        axis.grid(visible=False, axis="y")
        axis.margins(x=0.22)
    left.set(xlabel="test accuracy (%), mean ± standard deviation", yticks=np.arange(len(means)), yticklabels=means)
    left.invert_yaxis()
    right.set(xlabel="seconds of training")
    right.set_xlim(left=0)
    drawn.suptitle(title)
    return drawn
