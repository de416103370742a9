"""The outputs that are stored with a lesson: made by one run from top to bottom, and free of the machine's paths."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_course.files import replacing
from cnn_course.reports.catalogue import Lesson
from cnn_course.reports.errors import ReportError
from cnn_course.reports.execution import code_cells, execute

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Under this name the notebook's metadata hold, for each code cell's id, the checksum of the source that was executed.
STAMP = "executed_sources"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def execute_in_place(
    lesson: Lesson, profile: str, *, store: bool = True, on_cell: Callable[[], None] = lambda: None
) -> None:
    """Execute a lesson as it stands, in ``profile``, and replace the stored notebook by the executed one.

    Raises:
        ReportError: The lesson cannot be read, a cell or a check failed, or an output shows a path of this machine;
            nothing is stored then.
    """
    import nbformat

    notebook = lesson.notebook()
    with tempfile.TemporaryDirectory(prefix="cnn_course_") as folder:
        environment = kernel_environment(Path(folder), profile)
        done = execute(notebook, folder=Path(folder), environment=environment, on_cell=on_cell)
        if done.failure:
            raise ReportError(
                f"{lesson.name} is not stored: cell [{done.failure.cell}] failed with {done.failure.error}: "
                f"{done.failure.message}\n\n{done.failure.source}"
            )
        refuse_paths(done.notebook, lesson, (folder, str(Path.home()), str(Path.cwd()), str(lesson.path.parent)))
    done.notebook.metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE, STAMP: _checksums(done.notebook)}
    if store:
        try:
            with replacing(lesson.path) as part:
                nbformat.write(done.notebook, part, version=nbformat.NO_CONVERT)
        except OSError as error:
            raise ReportError(f"{lesson.path} cannot be written: {error.strerror}.") from error


def kernel_environment(folder: Path, profile: str) -> dict[str, str]:
    """Return the environment variables of a kernel whose results go to ``folder``, and whose failed checks count."""
    chosen = {} if profile == "auto" else {"CNN_COURSE_PROFILE": profile}
    # Without the last one the kernel's debugger warns about Python's frozen modules in every run.
    fixed = {"CNN_COURSE_RUN": str(folder), "CNN_COURSE_STRICT": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {**os.environ, **chosen, **fixed}


def refuse_paths(notebook: "NotebookNode", lesson: Lesson, paths: tuple[str, ...]) -> None:
    """Raise :class:`ReportError` if an output shows one of ``paths``: a stored lesson is not about one machine."""
    places = [path for path in dict.fromkeys(paths) if len(path) > 1]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = json.dumps(_texts(output), ensure_ascii=False)
            for place in places:
                # As JSON writes it: Windows' backslashes are doubled there.
                if json.dumps(place, ensure_ascii=False)[1:-1] in text:
                    raise ReportError(
                        f"{lesson.name} is not stored: the output of cell [{cell.execution_count}] ({cell.id}) shows "
                        f"the path {place}. Let the cell print a name or a relative path."
                    )


def changed_since_execution(notebook: "NotebookNode") -> list[str]:
    """Return the ids of the code cells that were edited, added, removed, moved or run alone since it was stored.

    A notebook that :func:`execute_in_place` has never stored returns all of them.
    """
    stored = notebook.metadata.get(STAMP, {})
    now = _checksums(notebook)
    # In a run from top to bottom the numbers that Jupyter shows count the cells.
    moved = {cell.id for place, cell in enumerate(code_cells(notebook), 1) if cell.execution_count != place}
    return [name for name in {**now, **stored} if stored.get(name) != now.get(name) or name in moved]


def note_as_executed(notebook: "NotebookNode", name: str) -> None:
    """Note the source that the cell with the id ``name`` has now as the one that was executed.

    For a change that alters nothing of what the cell does where lessons are executed.
    """
    notebook.metadata[STAMP][name] = _checksums(notebook)[name]


def _checksums(notebook: "NotebookNode") -> dict[str, str]:
    return {cell.id: hashlib.sha256(cell.source.encode()).hexdigest()[:12] for cell in code_cells(notebook)}


def _texts(output: Any) -> list[Any]:
    """Return everything in an output that is not an encoded picture."""
    if output.output_type == "stream":
        return [output.text]
    if output.output_type == "error":
        return [output.evalue, *output.traceback]
    encoded = ("image/png", "image/jpeg")
    return [output.metadata, *(data for kind, data in output.data.items() if kind not in encoded)]
