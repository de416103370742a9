"""What every lesson shares: profile and parameters, seed, checks, and the file of the run's results.

A lesson starts with :func:`start`, which settles its parameters, and ends with :meth:`Run.finish`, which shows the
checks and writes ``results.json``. Nothing here knows about convolutional networks.
"""

import datetime
import html
import json
import math
import operator
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import platformdirs

from cnn_course import parameters
from cnn_course.files import replacing
from cnn_course.machine import environment, peak_memory_bytes
from cnn_course.parameters import ParameterError

COMPARISONS = {"≥": operator.ge, "≤": operator.le, "=": operator.eq}
# A bound on something learned holds for the training that the profile sets, whatever the seed and the size of a batch.
FREE_TO_CHOOSE = ("profile", "seed", "batch_size")
COLAB_DRIVE = Path("/content/drive/MyDrive")  # where a notebook on Colab finds the learner's Drive, once mounted


class CheckFailed(AssertionError):
    """At least one claim of the lesson did not hold in a run that has to be strict."""


@dataclass(frozen=True)
class Check:
    """One claim of a lesson: a measured value against its bound."""

    claim: str
    value: float
    bound: str
    passed: bool | None  # None: recorded, but not judged
    note: str = ""


@dataclass
class Run:
    """One execution of a lesson: its settings, and what it has recorded so far."""

    lesson: str
    profile: str
    settings: SimpleNamespace
    given: tuple[str, ...]
    folder: Path
    started: float
    metrics: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    data: list[dict[str, Any]] = field(default_factory=list)

    def uses(self, dataset: Any) -> None:
        """Record a :class:`cnn_course.datasets.Dataset`: its name, size, checksum and origin."""
        self.data.append(
            {"name": dataset.name, "images": len(dataset), "checksum": dataset.checksum, "origin": dataset.origin}
        )

    def record(self, **metrics: Any) -> None:
        """Record measured values (numbers, arrays or tensors, or lists and dictionaries of them) under their names."""
        self.metrics.update({name: _plain(value) for name, value in metrics.items()})

    def check(
        self,
        claim: str,
        value: Any,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        equals: Any = None,
        learned: bool = False,
    ) -> None:
        """Record whether ``value`` keeps its bound; exactly one bound is given.

        ``learned`` marks a claim about something that was trained: its bound holds for the data and the training that
        the profile sets. When any of these was given by hand, the value is recorded and not judged; the seed and the
        size of a batch may be given.
        A value that is not a number (NaN) fails.
        """
        bounds = {"≥": at_least, "≤": at_most, "=": equals}
        given = [(sign, bound) for sign, bound in bounds.items() if bound is not None]
        if len(given) != 1:
            raise TypeError("A check takes exactly one of at_least, at_most and equals.")
        sign, bound = given[0]
        value, bound = _plain(value), _plain(bound)
        passed = bool(COMPARISONS[sign](value, bound))
        changed = [name for name in self.given if name not in FREE_TO_CHOOSE] if learned else []
        note = f"not judged: {', '.join(changed)} given by hand" if changed else ""
        self.checks.append(Check(claim, value, f"{sign} {_number(bound)}", None if changed else passed, note))

    def finish(self) -> "CheckTable":
        """Write ``results.json`` and return the table of checks.

        Raises :class:`CheckFailed` after writing when a check failed and ``$CNN_COURSE_STRICT`` is set, as it is in
        reports and tests; a learner sees the table and goes on.
        """
        write_json(self.folder / "results.json", self.results())
        failed = [check.claim for check in self.checks if check.passed is False]
        if failed and is_strict():
            _display(CheckTable(self.checks))
            raise CheckFailed(f"{len(failed)} of {len(self.checks)} checks failed: {'; '.join(failed)}")
        return CheckTable(self.checks)

    def results(self) -> dict[str, Any]:
        """Return everything that ``results.json`` holds."""
        return {
            "lesson": self.lesson,
            "profile": self.profile,
            "parameters": vars(self.settings),
            "given": list(self.given),
            "data": self.data,
            "metrics": self.metrics,
            "checks": [vars(check) for check in self.checks],
            "seconds": round(time.time() - self.started, 1),
            "peak_memory_bytes": peak_memory_bytes(),
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            **environment(),
        }


class CheckTable:
    """The checks of a run as a table: text in a terminal, HTML in a notebook."""

    def __init__(self, checks: list[Check]) -> None:
        self.checks = list(checks)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return (claim, measured, bound, verdict) for each check."""
        words = {True: "passed", False: "FAILED", None: "not judged"}
        return [(c.claim, _number(c.value), c.bound, c.note or words[c.passed]) for c in self.checks]

    def __repr__(self) -> str:
        return "\n".join(
            f"{verdict:<10} {value:>10} {bound:<12} {claim}" for claim, value, bound, verdict in self.rows()
        )

    def _repr_html_(self) -> str:
        head = "<tr><th>claim</th><th>measured</th><th>bound</th><th>verdict</th></tr>"
        return _html_table("The lesson's checks", head, self.rows())


class SettingsTable:
    """The settled parameters of a run and who set each, as text or HTML."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def rows(self) -> list[tuple[str, str, str]]:
        """Return (name, value, where it came from) for each parameter."""
        given = self.run.given
        rows = [("profile", self.run.profile, "given" if "profile" in given else "chosen for this machine")]
        for name, value in vars(self.run.settings).items():
            if name != "profile":
                origin = "default" if name == "seed" else f"{self.run.profile} profile"
                rows.append((name, str(value), "given" if name in given else origin))
        return rows

    def __repr__(self) -> str:
        return "\n".join(f"{name:<16} {value:<16} {origin}" for name, value, origin in self.rows())

    def _repr_html_(self) -> str:
        return _html_table("This run", "<tr><th>parameter</th><th>value</th><th>set by</th></tr>", self.rows())


def start(
    lesson: str,
    names: Mapping[str, Any],
    *,
    quick: Mapping[str, Any],
    full: Mapping[str, Any],
    choices: Mapping[str, tuple[Any, ...]] | None = None,
) -> Run:
    """Settle the parameters of a lesson, seed every random generator, and return its :class:`Run`.

    Args:
        lesson: The notebook's name without its ending, such as ``"02_mnist"``.
        names: The notebook's ``globals()``, where the cell tagged ``parameters`` has put its values. ``None`` leaves
            a parameter to the profile; any other value wins over it.
        quick: The values of the quick profile; its keys, with ``profile`` and ``seed``, are the lesson's parameters.
        full: The values of the full profile, for the same keys.
        choices: The allowed values of those parameters that have only a few.

    Raises:
        ParameterError: A parameter that papermill injected is not one of the lesson's, or a value is not of the kind
            the lesson needs. The message lists what is possible.
    """
    settings, given = parameters.settle(names, quick=quick, full=full, choices=choices or {})
    seed_everything(settings.seed)
    run = Run(lesson, settings.profile, settings, given, run_folder(lesson), time.time())
    _display(SettingsTable(run))
    return run


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and Keras, and make TensorFlow's operations deterministic (on a CPU that costs nothing)."""
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def run_folder(lesson: str) -> Path:
    """Return the folder of this run's files: ``$CNN_COURSE_RUN``, which reports set, else one in the user's cache."""
    chosen = os.environ.get("CNN_COURSE_RUN")
    folder = Path(chosen) if chosen else cache_folder() / "runs" / lesson
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(
            f"The folder {folder} for this run's files cannot be made: {error.strerror}. "
            "Set the environment variable CNN_COURSE_RUN to a folder that can be written."
        ) from error
    return folder


def cache_folder() -> Path:
    """Return the folder of runs, checkpoints and the user's data sets: in their cache unless a home is set."""
    return _home() or Path(platformdirs.user_cache_dir("cnn_course", appauthor=False))


def learner_folder() -> Path:
    """Return the folder of what cannot be made again: one among the user's data unless a home is set."""
    return _home() or Path(platformdirs.user_data_dir("cnn_course", appauthor=False))


def _home() -> Path | None:
    """Return ``$CNN_COURSE_HOME``, else a folder in a Drive that is mounted on Colab, else ``None``."""
    chosen = os.environ.get("CNN_COURSE_HOME")
    if chosen:
        return Path(chosen).expanduser()
    # The disk of a session on Colab goes with it. What lies in Drive is there again in the next one.
    return COLAB_DRIVE / "cnn_course" if COLAB_DRIVE.is_dir() else None


def is_strict() -> bool:
    """Return whether ``$CNN_COURSE_STRICT`` is set, as it is in reports and tests, where nobody is learning."""
    return os.environ.get("CNN_COURSE_STRICT", "") not in ("", "0")


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` beside ``path`` and rename it, so that no reader ever sees half a file."""
    with replacing(path) as part:
        part.write_text(json.dumps(_plain(content, finite=True), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _plain(value: Any, *, finite: bool = False) -> Any:
    """Return arrays, tensors and numbers as plain Python; with ``finite``, NaN and infinities as text, for JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, finite=finite) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, finite=finite) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), finite=finite)
    if hasattr(value, "numpy"):  # of TensorFlow and Keras
        return _plain(value.numpy(), finite=finite)
    if finite and isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _html_table(caption: str, head: str, rows: list[tuple[str, ...]]) -> str:
    def cell(text: str) -> str:
        # JupyterLab aligns every cell to the right, where a sentence is hard to read.
        style = "text-align:left" + (";font-weight:bold;color:#B00020" if text == "FAILED" else "")
        return f'<td style="{style}">{html.escape(text)}</td>'

    body = "".join(f"<tr>{''.join(cell(text) for text in row)}</tr>" for row in rows)
    head = head.replace("<th>", '<th style="text-align:left">')
    return f"<table><caption>{caption}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def _display(thing: Any) -> None:
    """Show ``thing`` richly in a notebook and as text elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(thing)
        return
    if get_ipython() is None:
        print(thing)
    else:
        display(thing)
