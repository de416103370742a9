"""Labelled images in memory, and their division into training, validation and test sets."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, held as they are stored: ``uint8``, 0 to 255. The arrays are read-only.

    Attributes:
        name: The name given to :func:`cnn_course.datasets.load`, or the folder's own.
        images: ``uint8 (n, height, width, channels)``; greyscale has one channel.
        labels: ``int64 (n,)``, each an index into ``class_names``.
        class_names: The classes, in the order of their labels.
        origin: Where the set came from, in words.
        masks: ``bool (n, height, width)``, true on the object, where the set has them.
        test_size: The last ``test_size`` images are the set's official test images; ``None`` where it has none.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    origin: str
    masks: np.ndarray | None = None
    test_size: int | None = None

    def __post_init__(self) -> None:
        problem = problem_with(self.images, self.labels, len(self.class_names), self.masks)
        if problem:
            raise ValueError(f"The data set {self.name} cannot be made: {problem}.")
        object.__setattr__(self, "images", _read_only(self.images))
        object.__setattr__(self, "labels", _read_only(self.labels.astype(np.int64, copy=False)))
        object.__setattr__(self, "class_names", tuple(self.class_names))
        if self.masks is not None:
            object.__setattr__(self, "masks", _read_only(self.masks))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        side = "x".join(map(str, self.image_shape))
        return f"Dataset({self.name}: {len(self):,} images of {side}, {len(self.class_names)} classes, {self.origin})"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of one image: height, width, channels."""
        return self.images.shape[1:]

    @cached_property
    def checksum(self) -> str:
        """The SHA-256 of the images' bytes followed by the labels' (64-bit, little-endian), in hexadecimal."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        return digest.hexdigest()

    def take(self, indices: Any) -> "Dataset":
        """Return the images at ``indices`` (whole numbers, a slice or a boolean mask) as a set of their own."""
        if not isinstance(indices, slice):
            indices = np.asarray(indices)
            indices = indices.astype(np.int64) if indices.size == 0 else indices
        masks = None if self.masks is None else self.masks[indices]
        return Dataset(self.name, self.images[indices], self.labels[indices], self.class_names, self.origin, masks)

    def split(
        self,
        train_size: int | None = None,
        validation_size: int | None = None,
        test_size: int | None = None,
        *,
        seed: int = 0,
    ) -> "Splits":
        """Return disjoint training, validation and test sets, each with the classes in the set's own proportions.

        Official test images stay test images, and no other image becomes one. Neither the test nor the validation set
        depends on ``train_size``, and a smaller training set is part of a larger one, so that experiments with
        different amounts of data are compared on the same images.

        Args:
            train_size: Number of training images; by default all that are left.
            validation_size: Number of validation images; by default 10 % of the images that are not test images.
            test_size: Number of test images; by default all official ones, or 20 % where there are none.
            seed: Of the drawing of images.

        Raises:
            ValueError: A size is not a whole number, is negative, or is larger than what is there.
        """
        if self.test_size is None:
            order = _stratified_order(self.labels, seed)
            available = len(self)
            test_size = round(0.2 * available) if test_size is None else test_size
            _check_size("test_size", test_size, available, f"{self.name} has {available:,} images")
            test, pool = order[:test_size], order[test_size:]
        else:
            first = len(self) - self.test_size
            test_size = self.test_size if test_size is None else test_size
            _check_size("test_size", test_size, self.test_size, f"{self.name} has {self.test_size:,} test images")
            pool = _stratified_order(self.labels[:first], seed)
            test = slice(first, len(self))
            if test_size < self.test_size:
                test = first + _stratified_order(self.labels[first:], seed)[:test_size]
        kept = f"{self.name} has {len(pool):,} images that are not for testing"
        validation_size = round(0.1 * len(pool)) if validation_size is None else validation_size
        _check_size("validation_size", validation_size, len(pool), kept)
        left = len(pool) - validation_size
        train_size = left if train_size is None else train_size
        _check_size("train_size", train_size, left, f"{kept}, and {validation_size:,} of them validate", least=1)
        validation, train = pool[:validation_size], pool[validation_size : validation_size + train_size]
        return Splits(self.take(train), self.take(validation), self.take(test))


class Splits(NamedTuple):
    """The three parts of a set: one to learn from, one to choose by, one to judge with."""

    train: Dataset
    validation: Dataset
    test: Dataset


def _check_size(name: str, size: Any, available: int, reason: str, least: int = 0) -> None:
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise ValueError(f"{name} is {size!r}; it must be a whole number of images.")
    if not least <= size <= available:
        raise ValueError(f"{name} is {size:,}; it must be from {least} to {available:,}: {reason}.")


def _stratified_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return a random order of the images in which every stretch holds the classes in their proportions.

    An image that is the r-th (from 0) of the n of its class stands at (2r + 1) / 2n of the way; equal places are drawn.
    The random numbers are a bit generator's raw output, which NumPy promises never to change.
    """
    draws = np.random.PCG64(seed).random_raw(len(labels))
    by_class = np.lexsort((draws, labels))
    counts = np.bincount(labels)
    ranks = np.concatenate([np.arange(count) for count in counts]) if len(labels) else np.zeros(0)
    places = np.empty(len(labels))
    places[by_class] = (2 * ranks + 1) / (2 * np.repeat(counts, counts))
    return np.lexsort((draws, places))


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def problem_with(images: Any, labels: Any, classes: int, masks: Any = None) -> str:
    """Return what keeps these arrays from being labelled images, or an empty text."""
    if images.dtype != np.uint8 or images.ndim != 4:
        return f"the images are {images.dtype} {images.shape}, and must be uint8 (n, height, width, channels)"
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim != 1:
        return f"the labels are {labels.dtype} {labels.shape}, and must be whole numbers (n,)"
    if len(images) != len(labels):
        return f"there are {len(images):,} images and {len(labels):,} labels"
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        return f"the labels go from {labels.min()} to {labels.max()}, and must be from 0 to {classes - 1}"
    if masks is not None and (masks.dtype != bool or masks.shape != images.shape[:3]):
        return f"the masks are {masks.dtype} {masks.shape}, and must be bool {images.shape[:3]}"
    return ""
