"""The table: costs and stored runs side by side, who beats whom, and what popular articles claim."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cnn_course.leaderboard.contenders import contenders
from cnn_course.leaderboard.costs import Cost


@dataclass(frozen=True)
class Row:
    """A network in the table.

    Attributes:
        name: The network.
        lesson: Number of the lesson that trains it.
        data: The set on whose test images it was judged.
        accuracy: Test accuracy of each stored run, in per cent.
        seconds: Seconds of training of each stored run.
        made_on: The machine of each of these trainings.
        cost: What one answer costs, measured on one machine for all networks of the table.
        int8_accuracy: Test accuracy of each run as an int8 file, in per cent. Of networks that travel with the course
            it is that one alone; empty where it was not measured.
        yardstick: Milliseconds of two fixed networks, timed together with this one, by :data:`costs.YARDSTICKS`.
    """

    name: str
    lesson: str
    data: str
    accuracy: tuple[float, ...]
    seconds: tuple[float, ...]
    made_on: tuple[str, ...]
    cost: Cost
    int8_accuracy: tuple[float, ...] = ()
    yardstick: dict[str, float] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean test accuracy, in per cent."""
        return float(np.mean(self.accuracy))

    @property
    def spread(self) -> float | None:
        """Standard deviation of the test accuracy over the runs, in points; ``None`` for a single run."""
        return float(np.std(self.accuracy, ddof=1)) if len(self.accuracy) > 1 else None

    @property
    def told_seconds(self) -> str:
        """The seconds of training: those of the shortest and of the longest run, which machines decide, too."""
        least, most = (f"{of(self.seconds):.0f}" for of in (min, max))
        return least if least == most else f"{least} to {most}"


@dataclass(frozen=True)
class Claim:
    """A row of a table in a popular article: accuracy in per cent, milliseconds "on a T4"."""

    name: str
    parameters: int
    accuracy: float
    milliseconds: float


ARTICLES = (
    Claim("base CNN", 1_200_000, 82.3, 12.4),
    Claim("ResNet-18", 11_200_000, 89.7, 18.6),
    Claim("optimised CNN", 4_300_000, 91.2, 9.8),
    Claim("EfficientNet-B0", 4_000_000, 93.5, 15.2),
)


def rows(folder: Path) -> list[Row]:
    """Return a row for each network that has both costs in leaderboard.json of the results folder and stored runs.

    Raises:
        FileNotFoundError: The costs have not been measured yet.
    """
    file = folder / "leaderboard.json"
    if not file.exists():
        raise FileNotFoundError(f"{file} is not there. Measure the networks: python benchmarks/leaderboard.py")
    known = {run["name"]: run for run in json.loads(file.read_text(encoding="utf-8"))["runs"]}
    found = []
    for contender in contenders():
        runs = contender.runs(folder)
        if contender.name not in known or not runs:
            continue
        run = known[contender.name]
        in_int8 = [contender.reached_in_int8(each) for each in runs]
        if None in in_int8:
            in_int8 = [run["int8_accuracy"]] if "int8_accuracy" in run else []
        found.append(
            Row(
                name=contender.name,
                lesson=contender.lesson,
                data=contender.data,
                accuracy=tuple(contender.reached(each) for each in runs),
                seconds=tuple(contender.took(each) for each in runs),
                made_on=tuple(each["made_on"] for each in runs),
                cost=Cost(**{name: run[name] for name in ("parameters", "flops", "bytes", "milliseconds")}),
                int8_accuracy=tuple(in_int8),
                yardstick=run.get("yardstick", {}),
            )
        )
    return found


def pareto_front(costs: Sequence[float], values: Sequence[float]) -> np.ndarray:
    """Return which entries no other one beats, (n,), bool: none costs at most as much and is worth more, or costs less
    and is worth at least as much.
    """
    costs, values = np.asarray(costs, "float64"), np.asarray(values, "float64")
    if costs.shape != values.shape or costs.ndim != 1:
        raise ValueError(f"costs and values have the shapes {costs.shape} and {values.shape}; both must be (n,).")
    no_dearer = costs[:, None] <= costs
    no_worse = values[:, None] >= values
    better = (costs[:, None] < costs) | (values[:, None] > values)
    return ~(no_dearer & no_worse & better).any(axis=0)


def beating(claim: Claim, table: Iterable[Row]) -> list[Row]:
    """Return the rows that reach more than a claim in each of their runs, with no more parameters, smallest first."""
    found = [row for row in table if row.cost.parameters <= claim.parameters and min(row.accuracy) > claim.accuracy]
    return sorted(found, key=lambda row: row.cost.parameters)


def as_markdown(table: Iterable[Row]) -> str:
    """Return the table as Markdown, the most accurate first."""
    head = (
        "network | lesson | parameters | MFLOP | test accuracy (%) | training (s) | float32 (kB) | int8 (kB) | "
        "Keras (ms) | LiteRT float32 (ms) | LiteRT int8 (ms)"
    )
    lines = [f"| {head} |", "| --- " * (head.count("|") + 1) + "|"]
    for row in sorted(table, key=lambda row: -row.mean):
        spread = "" if row.spread is None else f" ± {row.spread:.2f}"
        times = [row.cost.milliseconds[way] for way in ("Keras, one graph", "LiteRT float32", "LiteRT int8")]
        cells = [
            row.name,
            row.lesson,
            f"{row.cost.parameters:,}",
            f"{row.cost.flops / 1e6:.1f}",
            f"{row.mean:.2f}{spread} ({len(row.accuracy)})",
            row.told_seconds,
            *(f"{row.cost.bytes[kind] / 1000:,.0f}" for kind in ("float32", "int8")),
            *(f"{median:.2f}, {late:.2f}" for median, late in times),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
