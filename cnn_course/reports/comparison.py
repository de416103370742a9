"""Several runs side by side: the parameters that differ, the metrics, and over seeds their mean and spread."""

import csv
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnn_course.files import read_json
from cnn_course.reports.errors import ReportError
from cnn_course.reports.formats import number, scalars


@dataclass(frozen=True)
class Run:
    """One run: its name, its settings (the lesson and all parameters), and its single-valued metrics."""

    name: str
    settings: dict[str, Any]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but the seed."""

    settings: dict[str, Any]
    runs: tuple[Run, ...]

    def values(self, metric: str) -> list[float]:
        """Return the metric of those runs that have it as a number."""
        found = [run.metrics.get(metric) for run in self.runs]
        return [float(value) for value in found if isinstance(value, int | float)]

    def mean(self, metric: str) -> float:
        """Return the mean over the seeds, NaN where no run has the metric."""
        values = self.values(metric)
        return statistics.fmean(values) if values else math.nan

    def spread(self, metric: str) -> float:
        """Return the sample's standard deviation over the seeds, 0 for a single one."""
        values = self.values(metric)
        return statistics.stdev(values) if len(values) > 1 else 0.0

    def cell(self, metric: str) -> str:
        """Return the metric as a table shows it: mean ± spread, or the one value that all runs share."""
        values = self.values(metric)
        if not values:
            return "–"
        if len(set(values)) == 1:
            return number(int(values[0]) if values[0].is_integer() else values[0])
        return f"{self.mean(metric):.4g} ± {self.spread(metric):.2g}"

    def label(self, differing: Sequence[str]) -> str:
        """Return the settings that tell this group from the others, as one short text."""
        return ", ".join(f"{name} {self.settings.get(name, '–')}" for name in differing) or "all runs"


@dataclass(frozen=True)
class Comparison:
    """Compared runs: those settings that differ (the seed aside), the metrics, and the runs grouped by settings."""

    differing: tuple[str, ...]
    metrics: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def runs(self) -> list[Run]:
        """Return the single runs in the order of the groups."""
        return [run for group in self.groups for run in group.runs]

    def header(self) -> list[str]:
        """Return the titles of the table's columns."""
        return [*self.differing, "seeds", *self.metrics]

    def rows(self) -> list[list[str]]:
        """Return one row of the table for each group."""
        return [
            [
                *(str(group.settings.get(name, "–")) for name in self.differing),
                str(len(group.runs)),
                *(group.cell(metric) for metric in self.metrics),
            ]
            for group in self.groups
        ]

    def as_text(self) -> str:
        """Return the table for a terminal."""
        table = [self.header(), *self.rows()]
        widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
        lines = ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join(line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def as_csv(self) -> str:
        """Return the single runs, one in each line: name, differing settings, seed, metrics."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        names = [*self.differing, "seed"]
        writer.writerow(["run", *names, *self.metrics])
        for run in self.runs:
            settings = [run.settings.get(name, "") for name in names]
            writer.writerow([run.name, *settings, *(run.metrics.get(metric, "") for metric in self.metrics)])
        return stream.getvalue()


def compare(paths: Sequence[Path], metrics: Sequence[str] = ()) -> Comparison:
    """Return the comparison of the runs in ``paths`` (folders of reports, or their results.json files).

    Args:
        paths: Two runs or more; one that is named twice counts once.
        metrics: The metrics to show; all single-valued ones when empty.

    Raises:
        ReportError: A path holds no results, there are fewer than two runs, or a metric is in none of them.
    """
    runs = [read_run(path) for path in {_results_file(path).resolve(): path for path in paths}.values()]
    if len(runs) < 2:
        raise ReportError("A comparison takes at least two different runs.")
    known = list(dict.fromkeys(name for run in runs for name in run.metrics))
    missing = [name for name in metrics if name not in known]
    if missing:
        raise ReportError(f"No run has the metric {missing[0]!r}. The metrics are {', '.join(known)}.")
    names = list(dict.fromkeys(name for run in runs for name in run.settings if name != "seed"))
    differing = tuple(name for name in names if len({repr(run.settings.get(name)) for run in runs}) > 1)
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(repr([run.settings.get(name) for name in differing]), []).append(run)
    found = [
        Group({name: members[0].settings.get(name, "–") for name in differing}, tuple(members))
        for members in groups.values()
    ]
    found.sort(key=lambda group: _order(group, differing))
    return Comparison(differing, tuple(metrics or known), tuple(found))


def read_run(path: Path) -> Run:
    """Read one run from its folder or its results.json.

    Raises:
        ReportError: There are no results of a run.
    """
    file = _results_file(path)
    results = read_json(file)
    if results is None or not {"lesson", "parameters", "metrics"} <= set(results):
        raise ReportError(
            f"{path} holds no results of a run. Give the folder of a report that came to its end, such as "
            "reports/02_mnist-quick, or the results.json in it."
        )
    return Run(file.parent.name, {"lesson": results["lesson"], **results["parameters"]}, scalars(results["metrics"]))


def _results_file(path: Path) -> Path:
    return path / "results.json" if path.is_dir() else path


def write(comparison: Comparison, out: Path) -> Path:
    """Write ``index.html`` and ``comparison.csv`` to the folder ``out``, and return the page's path.

    Raises:
        ReportError: ``out`` cannot be written to.
    """
    from cnn_course.reports import pages

    page = pages.render("comparison.html.j2", title="Comparison", comparison=comparison, figures=figures(comparison))
    try:
        out.mkdir(parents=True, exist_ok=True)
        pages.write_page(out / "comparison.csv", comparison.as_csv())
        pages.write_page(out / "index.html", page)
    except OSError as error:
        reason = f"{out} is a file" if isinstance(error, FileExistsError) else error.strerror
        raise ReportError(f"The comparison cannot be written to {out}: {reason}. Name another --out.") from error
    return out.absolute() / "index.html"


def figures(comparison: Comparison) -> list[dict[str, Any]]:
    """Return one figure for each metric that differs between runs: its PNG in base 64, its width, its description.

    Where one number differs between the runs, it is the horizontal axis of a line; otherwise each group is a bar.
    """
    import base64

    found = []
    for metric in comparison.metrics:
        groups = [group for group in comparison.groups if group.values(metric)]
        if len({value for group in groups for value in group.values(metric)}) > 1:
            bundle, metadata = _figure(metric, groups, comparison.differing)._repr_mimebundle_()
            found.append({"png": base64.b64encode(bundle["image/png"]).decode(), **metadata["image/png"]})
    return found


def _figure(metric: str, groups: Sequence[Group], differing: tuple[str, ...]) -> Any:
    from cnn_course import plots

    means = [group.mean(metric) for group in groups]
    spreads = [group.spread(metric) for group in groups]
    labels = [group.label(differing) for group in groups]
    several = any(len(group.runs) > 1 for group in groups)
    title = f"{metric}{' (mean ± standard deviation over the seeds)' if several else ''}"
    shown = (f"{label}: {group.cell(metric)}" for label, group in zip(labels, groups, strict=True))
    alt = f"{metric} for each setting. {'; '.join(shown)}."
    if len(differing) == 1 and len(groups) > 2 and all(_is_number(group.settings[differing[0]]) for group in groups):
        x = [group.settings[differing[0]] for group in groups]
        texts = {"xlabel": differing[0], "ylabel": metric, "title": title, "alt": alt}
        ticks = {"xticks": x} if len(x) <= 10 else {}
        return plots.lines(x, {metric: means}, spread={metric: spreads}, **texts, **ticks)
    values, bands = dict(zip(labels, means, strict=True)), dict(zip(labels, spreads, strict=True))
    return plots.bars(values, spread=bands if several else None, form="{:.4g}", xlabel=metric, title=title, alt=alt)


def _order(group: Group, differing: Sequence[str]) -> list[tuple]:
    """Return what groups are sorted by: numbers by size before anything else by its text."""
    values = [group.settings[name] for name in differing]
    return [(0, value, "") if _is_number(value) else (1, 0, str(value)) for value in values]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
