"""Curves, bars and dots."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from matplotlib import ticker

from cnn_course.plots.style import COLOURS, Figure, look, new_figure


def lines(
    x: Sequence[float] | np.ndarray,
    series: dict[str, Sequence[float] | np.ndarray],
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    alt: str,
    spread: dict[str, Sequence[float] | np.ndarray] | None = None,
    marks: dict[str, float] | None = None,
    faint: Collection[str] = (),
    size: tuple[float, float] = (6.4, 3.6),
    legend: str = "best",
    **axis_settings: Any,
) -> Figure:
    """Return one labelled line for each entry of ``series`` over ``x``, with a band of ± ``spread`` where given.

    ``marks`` are named places on the x axis, drawn as upright dashed lines. The entries named in ``faint`` are grey and
    have no name in the legend; give them last, so that the others keep the first colours. ``legend`` is its place in
    Matplotlib's words; one that begins with "outside" leaves the axes to the lines. Further keywords go to ``Axes.set``
    (``ylim=(0, 1)``, ``yscale="log"``).
    """
    drawn, axis = new_figure(size=size, alt=alt)
    x = np.asarray(x)
    every = max(1, len(x) // 12)
    for k, (name, values) in enumerate(series.items()):
        values = np.asarray(values)
        style = look(k) if name not in faint else {"color": "#A6A6A6", "marker": "o", "zorder": 1.5}
        label = name if name not in faint else None
        axis.plot(x[: len(values)], values, label=label, markersize=4.5, markevery=every, linewidth=1.8, **style)
        if spread and name in spread:
            band = np.asarray(spread[name])
            shade = {"color": style["color"], "alpha": 0.18, "linewidth": 0}
            axis.fill_between(x[: len(values)], values - band, values + band, **shade)
    if x.dtype.kind in "iu":  # half an epoch is no place for a tick
        axis.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title, **axis_settings)
    for side in (axis.xaxis, axis.yaxis):
        if f"{side.axis_name}ticks" in axis_settings:  # a logarithmic axis would put numbers between those
            side.set_minor_locator(ticker.NullLocator())
    _mark(axis, marks or {})
    if len(series) > 1:
        owner = drawn if legend.startswith("outside") else axis
        owner.legend(*axis.get_legend_handles_labels(), loc=legend)
    return drawn


def _mark(axis: Any, marks: dict[str, float]) -> None:
    """Draw an upright line at each place, and its name along it from the upper end of the axes down.

    A name stands left of its line; right of it where another line is so near that it would run through the name.
    """
    for place in marks.values():
        axis.axvline(place, color="#555555", linestyle="--", linewidth=1.2)
    axis.get_xlim()  # the limits are settled now, and with them the distances
    width = 14  # points that a name needs
    before = -np.inf
    for name, place in sorted(marks.items(), key=lambda mark: mark[1]):
        here = 72 / axis.figure.dpi * axis.transData.transform((place, 0))[0]
        side, aligned = (-4, "right") if here - before > width else (4, "left")
        before = here
        axis.annotate(
            name,
            (place, 1),
            xycoords=axis.get_xaxis_transform(),
            xytext=(side, -4),
            textcoords="offset points",
            rotation=90,
            ha=aligned,
            va="top",
            fontsize=9,
            color="#555555",
        )


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
    side = np.where(heights < 0, -1, 1)  # the number stands beyond the end of its bar
    reach = heights + side * (errors if errors is not None else 0)
    for k, (end, value) in enumerate(zip(reach, heights, strict=True)):
        axis.annotate(
            form.format(value),
            (end, k),
            xytext=(4 * side[k], 0),
            textcoords="offset points",
            ha="left" if side[k] > 0 else "right",
            va="center",
            fontsize=9,
        )
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")
    axis.margins(x=0.12)
    axis.set(xlabel=xlabel, title=title, **axis_settings)
    return drawn


def points_by_class(
    planes: dict[str, np.ndarray], labels: np.ndarray, class_names: Sequence[str], *, alt: str
) -> Figure:
    """Return a plane for each entry of ``planes``, (n, 2), with each point in the colour and shape of its class.

    The axes have no numbers: they are those of a projection, which has no unit.
    """
    drawn, axes = new_figure(1, len(planes), size=(4.2 * len(planes), 4.6), alt=alt, squeeze=False)
    for axis, (title, plane) in zip(axes.flat, planes.items(), strict=True):
        for k, name in enumerate(class_names):
            chosen = np.asarray(labels) == k
            dots = {"linestyle": "none", "markersize": 3.5, "alpha": 0.8}
            axis.plot(*np.asarray(plane)[chosen].T, label=name, **dots, **look(k))
        axis.set(title=title, xticks=[], yticks=[], xlabel="first direction", ylabel="second direction")
        axis.grid(visible=False)
    handles, names = axes.flat[0].get_legend_handles_labels()
    drawn.legend(handles, names, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return drawn


def number_line(ranges: dict[str, tuple[float, float, float]], *, title: str, alt: str) -> Figure:
    """Return a row for each number format over the powers of two: dark where it has all its digits, light below.

    ``ranges`` holds for each format its smallest positive number, its smallest one with all digits, and its largest.
    """
    drawn, axis = new_figure(size=(6.8, 1.2 + 0.7 * len(ranges)), alt=alt)
    for k, limits in enumerate(ranges.values()):
        smallest, normal, largest = np.log2(limits)
        first = k == 0  # one entry of the legend for all rows
        axis.barh(k, largest - normal, left=normal, height=0.4, color=COLOURS[0], label="all digits" if first else None)
        axis.barh(
            k, normal - smallest, left=smallest, height=0.4, color=COLOURS[5], label="fewer digits" if first else None
        )
        # The ends above the bar, the change of colour below it, so that a short bar has room for all three.
        for place, value, side, up in (
            (smallest, limits[0], "right", 1),
            (normal, limits[1], "center", -1),
            (largest, limits[2], "right", 1),
        ):
            axis.annotate(
                f"{value:.3g}",
                (place, k - 0.2 * up),
                xytext=(0, 2 * up),
                textcoords="offset points",
                ha=side,
                va="bottom" if up == 1 else "top",
                fontsize=8.5,
            )
    axis.set_yticks(range(len(ranges)), list(ranges))
    axis.set_ylim(len(ranges) - 0.4, -0.7)
    axis.use_sticky_edges = False  # room on the left of the bars, for the numbers there
    axis.margins(x=0.1)
    axis.set_xticks(range(-128, 129, 32), [f"$2^{{{k}}}$" for k in range(-128, 129, 32)])
    axis.grid(visible=False, axis="y")
    axis.set(xlabel="positive numbers, as powers of two", title=title)
    drawn.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)
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
    axes[0, 0].set_ylabel("value and derivative")
    drawn.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
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


def accuracy_under_shift(
    shifts: Sequence[int], accuracies: dict[str, Sequence[float]], examples: np.ndarray, *, title: str, alt: str
) -> Figure:
    """Return the accuracy of each model against the shift in pixels; above each shift its example (height, width).

    The dotted line is what guessing among ten classes reaches.
    """
    drawn, (top, axis) = new_figure(2, 1, size=(6.6, 4.4), alt=alt, sharex=True, height_ratios=(1, 4.2))
    for shift, example in zip(shifts, examples, strict=True):
        top.imshow(example, cmap="gray", extent=(shift - 0.4, shift + 0.4, 0, 0.8), interpolation="nearest")
    top.set(ylim=(0, 0.8), aspect="equal", title=title)
    top.axis("off")
    for k, (name, values) in enumerate(accuracies.items()):
        axis.plot(shifts, values, label=name, markersize=5, linewidth=1.8, **look(k))
    axis.axhline(0.1, color="#707070", linestyle=":", linewidth=1.4)
    axis.annotate("guessing", (shifts[0], 0.1), xytext=(0, 3), textcoords="offset points", color="#505050", fontsize=9)
    axis.set(xlabel="shift to the right (pixels)", ylabel="accuracy", ylim=(0, 1.03), xticks=list(shifts))
    axis.set_xlim(shifts[0] - 0.5, shifts[-1] + 0.5)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 0.12))
    return drawn


def told(values: dict[str, float], form: str = "{:.3g}") -> str:
    """Return the values in words for an alternative text: ``a 1.5, b 2``."""
    return ", ".join(f"{name} {form.format(value)}" for name, value in values.items())
