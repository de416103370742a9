"""Several seeds, several contenders: figures that compare what they reached."""

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects, ticker

from cnn_course.plots.charts import bars, told
from cnn_course.plots.style import COLOURS, Figure, look, new_figure

_BEATEN = "#606060"  # entries of a trade-off that others beat


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


def dots_by_row(
    rows: Sequence[str], series: dict[str, Sequence[float]], *, xlabel: str, title: str, alt: str, **axis_settings: Any
) -> Figure:
    """Return a row for each name with one dot of each series, told apart by colour and shape, and a line at zero.

    The first row is at the top; within a row the dots lie a little below one another, so that equal values can be told
    apart. Further keywords go to ``Axes.set``.
    """
    drawn, axis = new_figure(size=(6.4, 1.2 + 0.36 * len(rows)), alt=alt)
    axis.axvline(0, color="#707070", linewidth=1.2)
    for k, (name, values) in enumerate(series.items()):
        below = 0.22 * (k - (len(series) - 1) / 2)
        style = {**look(k), "markersize": 5.5}
        axis.plot(values, np.arange(len(rows)) + below, linestyle="none", label=name, **style)
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set(xlabel=xlabel, title=title, **axis_settings)
    drawn.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=len(series))
    return drawn


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


def accuracy_over_time(
    courses: dict[str, tuple[Sequence[float], Sequence[float]]], *, levels: Sequence[float], title: str
) -> Figure:
    """Return for each contender a line of its test accuracy over its seconds of training, on a logarithmic axis.

    Args:
        courses: For each contender its seconds since the start of its training and, as many, its accuracies in percent.
        levels: Accuracies in percent that are marked by a dotted line.
        title: Of the figure.
    """
    best = {name: float(max(accuracy)) for name, (_, accuracy) in courses.items()}
    last = {name: float(seconds[-1]) for name, (seconds, _) in courses.items()}
    alt = f"Test accuracy over time. Best, in percent: {told(best, '{:.1f}')}. Seconds: {told(last, '{:.0f}')}."
    drawn, axis = new_figure(size=(6.8, 4.0), alt=alt)
    for level in levels:
        axis.axhline(level, color="#707070", linestyle=":", linewidth=1.2)
    for k, (name, (seconds, accuracy)) in enumerate(courses.items()):
        style = {**look(k), "markersize": 4.5}
        axis.plot(seconds, accuracy, label=name, linewidth=1.8, markevery=max(1, len(seconds) // 12), **style)
    axis.set(xlabel="seconds of training", ylabel="test accuracy (%)", title=title, xscale="log", yticks=list(levels))
    _number_decades(axis.xaxis, ticker.FormatStrFormatter("%g"))
    axis.grid(visible=False, axis="y")
    axis.legend(loc="lower right")
    return drawn


def reliability_diagrams(
    found: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], *, edges: np.ndarray, title: str, alt: str
) -> Figure:
    """Return a panel for each entry: accuracy by confidence in bars, the diagonal where both are equal, and the counts.

    Args:
        found: For each entry the counts, the mean confidence and the accuracy of each bin; NaN where a bin is empty.
        edges: Borders of the bins, one more than there are bins.
        title: Of the figure.
        alt: Its alternative text.
    """
    drawn, axes = new_figure(
        2,
        len(found),
        size=(3.1 * len(found), 3.9),
        alt=alt,
        squeeze=False,
        sharex=True,
        sharey="row",
        height_ratios=(3, 1),
    )
    width = np.diff(edges)
    for (upper, lower), (name, (counts, confidence, accuracy)) in zip(axes.T, found.items(), strict=True):
        upper.bar(edges[:-1], accuracy, width, align="edge", color=COLOURS[0], edgecolor="white", label="accuracy")
        upper.plot(
            confidence, confidence, "_", color=COLOURS[1], markersize=12, markeredgewidth=2.2, label="confidence"
        )
        upper.plot([0, 1], [0, 1], color="#707070", linestyle=":", linewidth=1.4)
        upper.set_title(name, loc="center")
        lower.bar(edges[:-1], counts / counts.sum(), width, align="edge", color="#A0A0A0", edgecolor="white")
        lower.set_xlabel("confidence")
    axes[0, 0].set(ylabel="accuracy", ylim=(0, 1))
    axes[1, 0].set_ylabel("share of\nimages")
    drawn.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    drawn.suptitle(title)
    return drawn


def trade_off(
    costs: dict[str, float],
    values: dict[str, float],
    *,
    front: Sequence[str],
    spread: dict[str, float] | None = None,
    claims: dict[str, tuple[float, float]] | None = None,
    xlabel: str,
    ylabel: str,
    title: str,
) -> Figure:
    """Return value over cost, on a logarithmic axis, each entry as a numbered dot, with the key beside the figure.

    Args:
        costs: For each entry its cost, above 0.
        values: For each entry its value.
        front: The entries that no other one beats. A staircase joins them: the value that can be had for a cost.
        spread: For entries with several runs the standard deviation of the value, drawn as a bar up and down.
        claims: Cost and value of entries that were not measured here, 26 at most: hollow squares with letters.
        xlabel: Name and unit of the cost.
        ylabel: Name and unit of the value.
        title: Of the figure.
    """
    unbeaten = sorted(front, key=lambda name: costs[name])
    alt = f"{ylabel} over {xlabel}; no other beats " + ", ".join(f"{name} ({values[name]:.1f})" for name in unbeaten)
    rows = len(costs) + len(claims or {})
    drawn, axis = new_figure(size=(8.6, max(3.8, 0.9 + 0.24 * rows)), alt=f"{alt}.")
    axis.plot(
        [costs[n] for n in unbeaten],
        [values[n] for n in unbeaten],
        color=COLOURS[0],
        linewidth=1.2,
        drawstyle="steps-post",
        zorder=1,
    )
    key, best, beaten = [], {}, {}
    for k, name in enumerate(costs, start=1):
        place = (costs[name], values[name])
        colour = COLOURS[0] if name in front else _BEATEN
        axis.errorbar(*place, yerr=(spread or {}).get(name), color=colour, elinewidth=1.2, capsize=2, zorder=2)
        axis.plot(*place, "o", markersize=7, color=colour, markeredgecolor="white", zorder=3)
        key.append(f"{k}  {name}")
        (best if name in front else beaten)[k] = place
    for letter, (name, place) in zip(string.ascii_uppercase, (claims or {}).items(), strict=False):
        axis.plot(*place, "s", markersize=12, color="white", markeredgecolor=COLOURS[1], markeredgewidth=1.4, zorder=2)
        axis.annotate(letter, place, ha="center", va="center_baseline", color=COLOURS[1], fontsize=8, zorder=3)
        key.append(f"{letter}  {name}")
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title, xscale="log")
    _number_decades(axis.xaxis, lambda cost, _: f"{cost:,.0f}" if cost >= 1 else f"{cost:g}")
    axis.margins(0.08)
    # Now that the axes have their limits. Nothing lies above the front.
    for k, place in best.items():
        _number(axis, str(k), place, points=9, color=COLOURS[0])
    for group in _nearly_equal(axis, beaten):
        lowest = min((beaten[k] for k in group), key=lambda place: place[1])
        _number(axis, ", ".join(map(str, group)), lowest, points=-9, color=_BEATEN)
    axis.annotate(
        "\n".join(key),
        (1.03, 1),
        xycoords="axes fraction",
        va="top",
        fontsize=9,
        linespacing=1.45,
        annotation_clip=False,
    )
    return drawn


def _nearly_equal(axis: Any, places: dict[int, tuple[float, float]]) -> list[list[int]]:
    """Return the keys of ``places`` in groups, so that dots which nearly cover each other are in one."""
    near = 12 * axis.figure.dpi / 72  # pixels; nearer than 12 points, a dot covers the number of another
    pixels = {k: axis.transData.transform(place) for k, place in places.items()}
    groups: list[list[int]] = []
    for k, here in pixels.items():
        group = next((each for each in groups if np.abs(pixels[each[-1]] - here).max() < near), None)
        if group is None:
            groups.append([k])
        else:
            group.append(k)
    return groups


def _number(axis: Any, text: str, place: tuple[float, float], *, points: float, color: str) -> None:
    """Write a dot's number so many points above it; a line that would run through the number is interrupted."""
    how = {"textcoords": "offset points", "ha": "center", "va": "center", "fontsize": 9, "zorder": 4}
    gap = [patheffects.withStroke(linewidth=3, foreground=axis.get_facecolor())]
    axis.annotate(text, place, xytext=(0, points), color=color, path_effects=gap, **how)


def _number_decades(axis: Any, form: Any) -> None:
    """Write plain numbers at 1 and 3 of each decade of a logarithmic axis, and none between them."""
    axis.set_major_locator(ticker.LogLocator(subs=(1.0, 3.0)))
    axis.set_major_formatter(form)
    axis.set_minor_formatter(ticker.NullFormatter())
