"""Where the files that travel with the course are: in the checkout, or inside the installed wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder ``data``, ``notebooks`` or ``results`` that came with the course.

    A checkout (or an editable install of one) has them beside the package, a wheel inside it.
    """
    in_wheel = PACKAGE / "_bundled" / name
    return in_wheel if in_wheel.is_dir() else PACKAGE.parent / name
