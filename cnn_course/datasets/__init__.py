"""Every data set of the course through one door: :func:`load`; then :meth:`Dataset.split` and :func:`batches`.

A set is looked for in this order, and its origin is recorded with it:

1. the file ``NAME.npz`` in the folder ``$CNN_COURSE_DATA``, then in the user's cache folder;
2. the file that travels with the course (``mnist5k``), or the generator (``shapes10``), or the photographs that the
   scikit-image package carries (``photos``);
3. a download whose checksum is compared with the published one.

Nothing takes the place of a set that cannot be had (:class:`DatasetUnavailable`), and a file that is there but broken
is reported, not passed over (:class:`DatasetBroken`).
"""

import os
from pathlib import Path

import numpy as np

from cnn_course import shapes
from cnn_course.datasets import pictures, stored
from cnn_course.datasets.dataset import Dataset, Splits
from cnn_course.datasets.errors import DatasetBroken, DatasetUnavailable
from cnn_course.datasets.pictures import PHOTOS
from cnn_course.datasets.pipeline import batches, steps_in_epoch, without_tuner
from cnn_course.datasets.stored import CIFAR10, CIFAR100, DIGITS, GARMENTS, impatient_network

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "DIGITS",
    "GARMENTS",
    "NAMES",
    "PHOTOS",
    "Dataset",
    "DatasetBroken",
    "DatasetUnavailable",
    "Splits",
    "availability",
    "batches",
    "impatient_network",
    "load",
    "steps_in_epoch",
    "without_tuner",
]

NAMES = (*stored.STORED, "shapes10", "photos")
SHAPES_COUNT = 5000
PHOTO_SIDE = 224


def load(name: str | os.PathLike, *, seed: int = 0, size: int | None = None) -> Dataset:
    """Return a data set by its name, or from a folder of images.

    Args:
        name: One of :data:`NAMES`, or the path of a folder that holds one sub-folder of images for each class; the
            sub-folders' names in alphabetical order are the class names.
        seed: Of a generated set (``shapes10``); a stored set draws nothing.
        size: For ``shapes10`` the number of images (5,000). For ``photos`` and folders the side in pixels (224) to
            which each image is resized after its middle square was cut out. Other sets take none: use
            :meth:`Dataset.split` for fewer images.

    Raises:
        DatasetUnavailable: The set is not on this machine and cannot be downloaded.
        DatasetBroken: A file or folder of the set is there and cannot be used.
        ValueError: There is no such set, or it takes no ``size``.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1):
        raise ValueError(f"size is {size!r}; it must be a whole number of at least 1.")
    if name == "shapes10":
        return _shapes10(seed, SHAPES_COUNT if size is None else int(size))
    if name == "photos":
        return pictures.photos(PHOTO_SIDE if size is None else int(size))
    if isinstance(name, str) and name in stored.STORED:
        if size is not None:
            raise ValueError(
                f"{name} has the size it was published in; for fewer images use load({name!r}).split(train_size=...)."
            )
        return stored.load(name)
    if str(name) and Path(name).is_dir():
        return pictures.from_folder(Path(name), PHOTO_SIDE if size is None else int(size))
    raise ValueError(
        f"There is no data set {str(name)!r}, and no folder of that name. The sets are {', '.join(NAMES)}; "
        "a folder that holds one sub-folder of images for each class works too."
    )


def availability() -> dict[str, str]:
    """Return for each name where :func:`load` would find the set now, or what is missing, without loading anything."""
    stored_sets = {name: stored.whereabouts(name) for name in stored.STORED}
    return {**stored_sets, "shapes10": "generated from a seed", "photos": "in the scikit-image package"}


def _shapes10(seed: int, count: int) -> Dataset:
    images, labels, masks = shapes.generate(count, seed)
    return Dataset("shapes10", images, labels, shapes.CLASS_NAMES, f"generated from seed {seed}", masks)
