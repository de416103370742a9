"""One notebook, executed by papermill in a kernel of its own, with an environment of its own.

The kernel is always the Python that runs this code, whatever kernels the machine has registered.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

ENGINE = "cnn_course"


class Stopped(Exception):
    """The execution was stopped from outside before it came to its end."""


@dataclass(frozen=True)
class Failure:
    """Where and why a notebook stopped; ``cell`` is the number that Jupyter shows in brackets, ``None`` before any."""

    cell: int | None
    cell_id: str
    source: str
    error: str
    message: str


@dataclass(frozen=True)
class Execution:
    """An executed notebook, why it stopped if it did, and how long it took with the start of its kernel."""

    notebook: "NotebookNode"
    failure: Failure | None
    seconds: float


class Kernels:
    """The kernels that are running, so that another thread can end them all."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._clients: list[NotebookClient] = []

    def add(self, client: "NotebookClient") -> None:
        """Remember a client whose kernel has started or is about to."""
        self._clients.append(client)

    def kill(self) -> None:
        """End every kernel with all the processes that it has started, and let none start another cell."""
        self.stopped.set()
        for client in self._clients:
            process = getattr(getattr(client.km, "provisioner", None), "pid", None)
            with contextlib.suppress(psutil.NoSuchProcess):
                if process:
                    family = psutil.Process(process)
                    for member in (*family.children(recursive=True), family):
                        with contextlib.suppress(psutil.NoSuchProcess):
                            member.kill()


def code_cells(notebook: "NotebookNode") -> list["NotebookNode"]:
    """Return the cells that an execution runs: those with code in them."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def execute(
    notebook: "NotebookNode",
    *,
    folder: Path,
    environment: Mapping[str, str],
    parameters: Mapping[str, Any] | None = None,
    on_cell: Callable[[], None] = lambda: None,
    kernels: Kernels | None = None,
) -> Execution:
    """Execute a copy of ``notebook`` in ``folder`` and return it.

    Args:
        notebook: The notebook; where ``parameters`` are given, one cell of it is tagged ``parameters``.
        folder: The kernel's working folder; ``kernel.log`` there holds what its process wrote past the notebook.
        environment: All environment variables of the kernel.
        parameters: What papermill injects after the tagged cell.
        on_cell: Called after each code cell that has run.
        kernels: Where the kernel is entered, so that it can be stopped from another thread.

    Raises:
        Stopped: The kernel was ended through ``kernels``.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError

    _register_engine()
    kernels = kernels or Kernels()
    watcher = _Watcher(kernels, on_cell)
    started = time.monotonic()
    lost = None
    try:
        papermill.execute_notebook(
            notebook,
            None,
            parameters=dict(parameters or {}),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            autosave_cell_every=0,
            folder=folder,
            environment=environment,
            watcher=watcher,
        )
    except papermill.PapermillExecutionError:
        pass  # judged below: papermill also counts the errors of cells that are tagged to raise one
    except (DeadKernelError, RuntimeError) as error:
        lost = error
    if kernels.stopped.is_set():
        raise Stopped
    failure = watcher.failure(lost)
    executed = watcher.notebook if watcher.notebook is not None else notebook
    _remove_traces(executed)
    return Execution(executed, failure, time.monotonic() - started)


class _Watcher:
    """What happens in one execution: the notebook as it grows, and the cell that is running."""

    def __init__(self, kernels: Kernels, on_cell: Callable[[], None]) -> None:
        self.kernels = kernels
        self.on_cell = on_cell
        self.notebook: NotebookNode | None = None
        self.running: NotebookNode | None = None

    def cell_starts(self, cell: "NotebookNode", cell_index: int) -> None:
        if self.kernels.stopped.is_set():
            raise Stopped
        self.running = cell

    def cell_completes(self, cell: "NotebookNode", cell_index: int) -> None:
        self.on_cell()

    def failure(self, lost: Exception | None) -> Failure | None:
        """Return the failure of the cell that stopped the execution; ``lost`` says that the kernel is gone."""
        if lost is not None:
            cell = self.running
            advice = "Often the machine has run out of memory: try a smaller batch_size or train_size."
            message = f"{str(lost).rstrip('.')}. {advice}"
            if cell is None:
                return Failure(None, "", "", "KernelLost", message)
            # The cell got no number any more; it is its place, since a lesson runs from top to bottom.
            number = [entry.id for entry in code_cells(self.notebook)].index(cell.id) + 1
            return Failure(number, cell.id, cell.source, "KernelLost", message)
        for cell in self.notebook.cells:
            if cell.metadata.get("papermill", {}).get("exception"):
                error = next((output for output in cell.get("outputs", []) if output.output_type == "error"), None)
                name, message = (error.ename, error.evalue) if error else ("Error", "the cell did not run to its end")
                return Failure(cell.execution_count, cell.get("id", ""), cell.source, name, message)
        return None


def _register_engine() -> None:
    """Teach papermill the engine that starts this Python with the given environment in the given folder."""
    from ipykernel.kernelspec import make_ipkernel_cmd
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

    class LessonEngine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(
            cls,
            nb_man: NotebookExecutionManager,
            kernel_name: str,
            *,
            folder: Path,
            environment: Mapping[str, str],
            watcher: _Watcher,
            **_: Any,
        ) -> None:
            client = PapermillNotebookClient(
                nb_man,
                kernel_name=kernel_name,
                timeout=None,
                startup_timeout=120,
                on_cell_start=watcher.cell_starts,
                on_cell_complete=watcher.cell_completes,
            )
            client.km = client.create_kernel_manager()
            specification = client.km.kernel_spec
            # Errors only: the kernel otherwise warns that its connection within this machine is not encrypted.
            specification.argv = make_ipkernel_cmd(extra_arguments=["--log-level=40"])
            specification.env, specification.metadata = {}, {}
            watcher.notebook = nb_man.nb
            watcher.kernels.add(client)
            # What libraries write past Python (TensorFlow's start-up log) belongs beside the run, not into its outputs.
            log = folder / "kernel.log"
            with log.open("wb") as stream:
                client.execute(env=dict(environment), cwd=str(folder), stdout=stream, stderr=stream)
            if not log.stat().st_size:
                log.unlink()

    papermill_engines.register(ENGINE, LessonEngine)


def _remove_traces(notebook: "NotebookNode") -> None:
    """Take out what papermill and nbclient add to a notebook: timings, states, markers, empty tag lists."""
    marker = "papermill-error-cell-tag"
    notebook.cells = [cell for cell in notebook.cells if marker not in cell.metadata.get("tags", [])]
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for entry in ("papermill", "execution"):
            cell.metadata.pop(entry, None)
        if cell.metadata.get("tags") == []:
            del cell.metadata["tags"]
