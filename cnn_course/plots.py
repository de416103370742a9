"""Every figure of the course: functions that take arrays and return a figure with alternative text.

A :class:`Figure` that ends a notebook cell is shown at twice the screen's resolution, with the alternative text stored
in the output's metadata, where a screen reader and the HTML reports find it.
"""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import figure

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
        png = buffer.getvalue()
        # Bytes 16 to 24 of a PNG are its width and height (ISO/IEC 15948, section 11.2.2).
        width = int.from_bytes(png[16:20], "big") * SCREEN_DOTS_PER_INCH // DOTS_PER_INCH
        text = {"image/png": png, "text/plain": f"Figure: {self.alt}"}
        return text, {"image/png": {"alt": self.alt, "width": width}}


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
    **axis_settings: Any,
) -> Figure:
    """Return one labelled line for each entry of ``series`` over ``x``, with a band of ± ``spread`` where given.

    Further keywords go to ``Axes.set`` (``ylim=(0, 1)``, ``yscale="log"``).
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
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title, **axis_settings)
    if len(series) > 1:
        axis.legend()
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
