"""Results files that grow run by run: a benchmark that is stopped goes on, started again, with what is missing."""

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from provenance import provenance


class WholeNumbers(click.ParamType):
    """A command-line value such as ``0,1,2``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers of the text, or end with a message."""
        try:
            return tuple(int(part) for part in value.split(",")) if isinstance(value, str) else tuple(value)
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers such as 0,1,2.", param, ctx)


def chosen(only: Sequence[str], known: Iterable[str], option: str) -> list[str]:
    """Return those of the ``known`` names that are in ``only``, or all where it is empty; refuse others."""
    known = list(known)
    unknown = set(only) - set(known)
    if unknown:
        raise click.BadParameter(f"{', '.join(sorted(unknown))} is not among {', '.join(known)}.", param_hint=option)
    return [name for name in known if not only or name in only]


def complete(
    out: Path,
    about: dict[str, Any],
    jobs: Sequence[dict[str, Any]],
    *,
    load: Callable[[], Any],
    run: Callable[[Any, dict[str, Any]], dict[str, Any]],
    tell: Callable[[dict[str, Any]], str],
    at_most: int | None = None,
) -> list[dict[str, Any]]:
    """Do the jobs that ``out`` does not hold yet, store each as soon as it is done, and return all runs of the file.

    Args:
        out: The results file, JSON.
        about: What the file says of all its runs (``"what"``, settings, recipes); a file that says something else is
            refused.
        jobs: What tells one run from another, such as ``{"recipe": "fast", "seed": 0}``. Where the settings of each
            are part of it, a run that was made with others stays in the file and is done anew.
        load: Returns the data set; called only when a job is missing.
        run: Takes the data set and a job, returns what was measured.
        tell: One line about a finished run (job and measurements together), without a full stop.
        at_most: Do no more than so many jobs.

    Returns:
        The runs of these jobs that are in the file, in the order of the jobs.
    """
    from cnn_course import datasets, lesson

    stored = _opened(out, _as_json(about))
    jobs = _as_json(jobs)
    missing = [job for job in jobs if not _runs_of(job, stored)][:at_most]
    if not missing:
        click.echo(f"All {len(jobs)} runs are in {out}.")
        return [run for job in jobs for run in _runs_of(job, stored)]
    _refuse_unwritable(out)
    try:
        dataset = load()
    except (datasets.DatasetUnavailable, datasets.DatasetBroken) as error:
        raise click.ClickException(str(error)) from error
    stored["data"] = {"name": dataset.name, "checksum": dataset.checksum, "origin": dataset.origin}
    began = time.time()
    for k, job in enumerate(missing, start=1):
        measured = run(dataset, job)
        made = stored["provenance"] = provenance()
        # The runs of one file may come from several machines; their seconds compare on one only.
        stored["runs"].append({**job, **measured, "made_on": f"{made['device']}: {made['cpu']}, {made['cores']} cores"})
        lesson.write_json(out, stored)
        left = (time.time() - began) / k * (len(missing) - k)
        click.echo(f"{k}/{len(missing)}  {tell(stored['runs'][-1])}; {left / 60:.0f} min left")
    return [run for job in jobs for run in _runs_of(job, stored)]


def tell_means(
    runs: Iterable[dict[str, Any]],
    by: str,
    *,
    accuracy: Callable[[dict[str, Any]], float] = lambda run: run["test_accuracy"],
) -> None:
    """Print a line for each value of ``by``: its number of runs, their mean accuracy and mean seconds."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault(run[by], []).append(run)
    for name, own in groups.items():
        mean = sum(accuracy(run) for run in own) / len(own)
        seconds = sum(run["seconds"] for run in own) / len(own)
        click.echo(f"{name:<24} {len(own)} seeds  mean {mean:.4f}  {seconds:.0f} s")


def _runs_of(job: dict[str, Any], stored: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the stored runs of a job."""
    return [run for run in stored["runs"] if all(run.get(name) == value for name, value in job.items())]


def _as_json(content: Any) -> Any:
    """Return ``content`` as it comes back from a JSON file: lists instead of tuples."""
    return json.loads(json.dumps(content))


def _refuse_unwritable(out: Path) -> None:
    """Make the folder of ``out``; raise an error where nothing can be written into it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}. Give another --out.") from error


def _opened(out: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Return what ``out`` holds so far, or the beginning of it."""
    if not out.exists():
        return {**about, "runs": []}
    stored = json.loads(out.read_text(encoding="utf-8"))
    other = [name for name, value in about.items() if stored.get(name) != value]
    if other:
        raise click.ClickException(
            f"{out} was made with other {' and '.join(other)}. Give another --out, or remove the file."
        )
    return stored
