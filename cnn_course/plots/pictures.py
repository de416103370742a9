"""Images and matrices, as pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnn_course.plots.style import COLOURS, Figure, new_figure

_FINEST = 80  # Pixels along a side of what overlays show, more or less: a large picture is a large file.


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


def soft_targets(
    images: np.ndarray,
    probabilities: dict[str, np.ndarray],
    class_names: Sequence[str],
    *,
    labels: Sequence[int],
    row_height: float = 1.55,
) -> Figure:
    """Return a row for each image (HWC): the picture, then a panel of bars, one for each class, for each entry.

    Each entry of ``probabilities`` is (images, classes); its name stands above its column. The label's own bar stands
    out.
    """

    def first_two(values: np.ndarray) -> str:
        best, second = np.argsort(values)[:-3:-1]
        return f"{class_names[best]} {values[best]:.2f} then {class_names[second]} {values[second]:.2f}"

    told = "; ".join(
        f"image {k} of class {class_names[label]}: "
        + ", ".join(f"{name} {first_two(values[k])}" for name, values in probabilities.items())
        for k, label in enumerate(labels)
    )
    columns = 1 + len(probabilities)
    drawn, axes = new_figure(
        len(images),
        columns,
        size=(1.5 + 2.0 * len(probabilities), 0.5 + row_height * len(images)),
        alt=f"The two largest probabilities of each image. {told}.",
        squeeze=False,
        width_ratios=(1, *[1.15] * len(probabilities)),
    )
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        left, *panels = axes[k]
        left.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", interpolation="nearest")
        left.set_title(class_names[label], loc="center", fontsize=10)
        left.axis("off")
        colours = [COLOURS[1] if j == label else COLOURS[0] for j in range(len(class_names))]
        for panel, (name, values) in zip(panels, probabilities.items(), strict=True):
            panel.barh(range(len(class_names)), values[k], color=colours, height=0.75)
            panel.invert_yaxis()
            panel.grid(visible=False, axis="y")
            panel.set(xlim=(0, 1))
            named = panel is panels[0]
            panel.set_yticks(range(len(class_names)), class_names if named else [], fontsize=7)
            panel.tick_params(axis="x", labelsize=8, labelbottom=k == len(images) - 1)
            if k == 0:
                panel.set_title(name, loc="center", fontsize=10)
            if k == len(images) - 1:
                panel.set_xlabel("probability", fontsize=9)
    return drawn


def recognised(photos: Sequence[np.ndarray], names: Sequence[Sequence[str]], probabilities: np.ndarray) -> Figure:
    """Return photos (HWC) side by side, and under each its best classes with a bar for their probabilities.

    ``names`` and ``probabilities`` (photos, classes) hold for each photo the classes to show, the best one first.
    """
    best = ", ".join(f"{each[0]} {share[0]:.0%}" for each, share in zip(names, probabilities, strict=True))
    alt = f"{len(photos)} photos, each above its best classes; the best one of each: {best}."
    count = len(names[0])
    size = (1.85 * len(photos), 1.9 + 0.42 * count)
    drawn, axes = new_figure(2, len(photos), size=size, alt=alt, squeeze=False, height_ratios=(4, count))
    for top, bottom, photo, classes, shares in zip(*axes, photos, names, probabilities, strict=True):
        top.imshow(photo)
        top.axis("off")
        rows = np.arange(len(classes))
        bottom.barh(rows, shares, color=COLOURS[0], height=0.3)
        for row, (name, share) in enumerate(zip(classes, shares, strict=True)):
            bottom.text(0, row - 0.24, f"{name} {share:.0%}", fontsize=8, va="bottom")
        bottom.set(xlim=(0, 1), ylim=(len(classes) - 0.7, -0.8), xticks=(0, 0.5, 1), yticks=())
        bottom.grid(visible=False)
        bottom.set_xlabel("probability", fontsize=8)
        bottom.tick_params(labelsize=8)
        bottom.spines["left"].set_visible(False)
    return drawn


def overlays(
    images: np.ndarray,
    maps: dict[str, np.ndarray],
    *,
    titles: Sequence[str] | None = None,
    masks: np.ndarray | None = None,
    crosses: np.ndarray | None = None,
    cell: float = 1.2,
    alt: str,
) -> Figure:
    """Return a row of images (n, height, width, channels), 0 to 255, and below it for each entry a row of its maps.

    A map (n, height, width) is shown in its own range, from 0 to its largest value, over a grey image; the bar gives
    the scale. Its colours are of even steps for the eye (viridis). ``masks`` (n, height, width) are outlined in white,
    ``crosses`` (n, 2), rows and columns of pixels, are marked in white on each map.
    For a small file, squares of pixels of large images are drawn as their mean, maps in 25 steps.
    """
    step = max(1, round(max(images.shape[1:3]) / _FINEST))
    images, maps = _coarser(images, step), {name: _coarser(values, step) for name, values in maps.items()}
    masks = None if masks is None else _coarser(masks, step)
    count, rows = len(images), 1 + len(maps)
    size = (0.9 + cell * count + 0.8, 0.35 + 1.04 * cell * rows)
    drawn, axes = new_figure(rows, count, size=size, alt=alt, squeeze=False)
    for k, image in enumerate(images):
        pixels = image[..., 0] if image.shape[-1] == 1 else image
        axes[0, k].imshow(pixels / 255, cmap="gray", interpolation="nearest", vmin=0, vmax=1)
        if titles is not None:
            axes[0, k].set_title(titles[k], fontsize=9, loc="center")
        for axis, values in zip(axes[1:, k], maps.values(), strict=True):
            grey = np.round(image.astype("float32").mean(axis=-1) / 16) * 16
            axis.imshow(grey, cmap="gray", interpolation="nearest", vmin=0, vmax=255)
            largest = max(float(values[k].max()), float(np.finfo("float32").tiny))
            # Without "nearest" the map is smoothed for the screen, and the file is three times as large.
            look = {"cmap": "viridis", "interpolation": "nearest", "alpha": 0.65}
            shown = axis.imshow(np.round(25 * values[k] / largest) / 25, vmin=0, vmax=1, **look)
            if masks is not None:
                axis.contour(masks[k], levels=[0.5], colors="white", linewidths=1.0)
            if crosses is not None:
                row, column = (np.asarray(crosses[k]) + 0.5) / step - 0.5
                axis.plot(column, row, "x", color="white", markersize=6, markeredgewidth=1.8)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
    for axis, name in zip(axes[:, 0], ("image", *maps), strict=True):
        axis.set_ylabel(name, fontsize=9)
    drawn.colorbar(shown, ax=axes[1:, :].ravel().tolist(), label="share of the map's\nlargest value", shrink=0.9)
    return drawn


def _coarser(values: np.ndarray, step: int) -> np.ndarray:
    """Return the means of (n, height, width, ...) over squares of ``step`` pixels; what is left at the edge is cut."""
    if step == 1:
        return values
    rows, columns = (side // step for side in values.shape[1:3])
    squares = values[:, : rows * step, : columns * step].astype("float32")
    return squares.reshape(len(values), rows, step, columns, step, *values.shape[3:]).mean(axis=(2, 4))


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
    names: Sequence[str] | None = None,
    **imshow: Any,
) -> Figure:
    """Return a matrix as coloured cells with a colour bar; ``signed`` gives white for zero and two hues around it.

    ``names`` are those of the rows and of the columns, where both are the same. NaN leaves a cell empty. Further
    keywords go to ``imshow``.
    """
    drawn, axis = new_figure(size=size, alt=alt)
    reach = float(np.nanmax(np.abs(matrix)))
    settings = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach} if signed else {}
    shown = axis.imshow(matrix, interpolation="nearest", **settings | imshow)
    axis.grid(visible=False)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if names is not None:
        _name_cells(axis, names)
    drawn.colorbar(shown, ax=axis, label=bar_label, shrink=0.85)
    return drawn


def value_table(
    matrix: np.ndarray,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    xlabel: str,
    ylabel: str,
    title: str,
    bar_label: str,
    alt: str,
    form: str = "{:.0f}",
) -> Figure:
    """Return a matrix (rows, columns) as coloured cells with their numbers in them, under named rows and columns."""
    size = (2.2 + 0.62 * len(columns), 1.3 + 0.34 * len(rows))
    words = {"xlabel": xlabel, "ylabel": ylabel, "title": title, "bar_label": bar_label, "alt": alt}
    drawn = heat_map(matrix, size=size, aspect="auto", **words)
    axis = drawn.axes[0]
    middle = (np.nanmin(matrix) + np.nanmax(matrix)) / 2
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if value < middle else "black"
        axis.annotate(form.format(value), (column, row), ha="center", va="center", fontsize=9, color=colour)
    axis.set_xticks(range(len(columns)), list(columns))
    axis.set_yticks(range(len(rows)), list(rows))
    return drawn


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
    _name_cells(axis, class_names)
    axis.grid(visible=False)
    axis.set(xlabel="answer", ylabel="true class", title="Answers for each true class (%)")
    drawn.colorbar(shown, ax=axis, label="wrong answers (% of the true class)", shrink=0.8)
    return drawn


def _name_cells(axis: Any, names: Sequence[str]) -> None:
    """Write the names of the classes beside the rows and under the columns of a matrix."""
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(names)), names)
