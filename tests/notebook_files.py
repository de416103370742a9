"""Small lessons for the tests of the reports and of the command line."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'profile = "auto"  # how much\nepochs = 3  # passes\nseed = 0  # of all draws'
# What the results.json of such a lesson tells of its run, but for checks and metrics.
RESULTS = {
    "parameters": {"profile": "quick", "epochs": 3},
    "given": ["epochs"],
    "data": [{"name": "mnist5k", "images": 5000, "checksum": "ab12" * 16, "origin": "bundled"}],
    "versions": {"keras": "3.15.1"},
    "device": "CPU",
    "cpu": "A processor",
    "cores": 2,
    "platform": "Linux x86_64",
    "backend": "tensorflow",
    "peak_memory_bytes": 10**9,
    "finished": "2026-01-01T00:00:00+00:00",
}


def write_lesson(folder, name, *sources, text="It is short.", parameters=PARAMETERS, tags=()):
    """Write a lesson of a title, ``text``, a parameters cell, and a code cell for each source; return its path.

    ``tags`` are those of the last code cell.
    """
    cells = [new_markdown_cell(f"# Title of {name}\n\n{text}", id="title")]
    cells.append(new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}))
    cells += [new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(sources)]
    if tags:
        cells[-1].metadata["tags"] = list(tags)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path
