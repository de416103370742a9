"""Data sets that are kept in files: where a file is looked for, what makes it sound, and how it is downloaded."""

import contextlib
import gzip
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from cnn_course import bundled, lesson
from cnn_course.datasets.dataset import Dataset, problem_with
from cnn_course.datasets.errors import DatasetBroken, DatasetUnavailable, first_line
from cnn_course.files import read_arrays

DIGITS = tuple("0123456789")
GARMENTS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# The fine labels in their official order, which is the alphabet's.
_CIFAR100_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
CIFAR100 = tuple(_CIFAR100_NAMES.split())
# A connection on which nothing arrives for so long counts as none.
NETWORK_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class _Stored:
    """A set that is kept in a file: what a sound file of it holds, and how else it can be had."""

    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    images: int
    download: Callable[[], tuple] | None = None
    download_name: str = ""
    megabytes: int = 0
    keras_path: str = ""  # of Keras' own copy, under its folder


def _places(name: str) -> list[tuple[Path, str]]:
    """Return the files in which a stored set may be, in their order, each with its place in words."""
    places = [(lesson.cache_folder() / f"{name}.npz", f"file {name}.npz in the user's cache folder")]
    chosen = os.environ.get("CNN_COURSE_DATA")
    if chosen:
        places.insert(0, (Path(chosen).expanduser() / f"{name}.npz", f"file {name}.npz in $CNN_COURSE_DATA"))
    if name == "mnist5k":
        places.append((bundled.folder("data") / "mnist5k.npz", "bundled"))
    return places


def load(name: str) -> Dataset:
    """Return a stored set from the first place that has it; see :func:`cnn_course.datasets.load`."""
    stored = STORED[name]
    tried = []
    for path, place in _places(name):
        if path.exists():
            return _from_file(name, stored, path, place)
        tried.append(f"{place}: there is none" if place != "bundled" else f"{path}: it is missing")
    if stored.download is None:
        raise DatasetUnavailable(f"The data set {name} is part of the course, and its file is gone. {_remedies(name)}")
    if not os.environ.get("CNN_COURSE_DATA"):
        tried.insert(0, "$CNN_COURSE_DATA: not set")
    try:
        with impatient_network():
            (train_images, train_labels), (test_images, test_labels) = stored.download()
    except Exception as error:  # Keras reports a failed download, checksum or archive as it comes
        tried.append(f"download: {first_line(error)}")
        raise DatasetUnavailable(
            f"The data set {name} is not on this machine and could not be downloaded. Tried: {'; '.join(tried)}. "
            f"{_remedies(name)}"
        ) from error
    arrays = {"x_train": train_images, "y_train": train_labels, "x_test": test_images, "y_test": test_labels}
    return _assemble(name, stored, arrays, f"the download of {name}", f"downloaded by {stored.download_name}")


def _remedies(name: str) -> str:
    substitute = "shapes10" if name.startswith("cifar") else "mnist5k"
    if name == "mnist5k":
        return "Rebuild it with 'python data/build_mnist5k.py', reinstall the course, or use the set 'shapes10'."
    return (
        f"What helps: put {name}.npz into the folder that $CNN_COURSE_DATA names; or connect to the network; "
        f"or use dataset={substitute!r}, which comes with the course."
    )


def _from_file(name: str, stored: _Stored, path: Path, place: str) -> Dataset:
    try:
        arrays = read_arrays(path)
    except (OSError, ValueError) as error:
        raise DatasetBroken(_broken(name, str(path), f"it cannot be read ({first_line(error)})")) from error
    return _assemble(name, stored, arrays, str(path), place)


def _assemble(name: str, stored: _Stored, arrays: dict[str, np.ndarray], source: str, place: str) -> Dataset:
    """Return the arrays of a file as a :class:`Dataset` after they were compared with what the set must hold."""
    parts = [("x_train", "y_train"), ("x_test", "y_test")] if stored.download else [("images", "labels")]
    images, labels = [], []
    for image_key, label_key in parts:
        missing = [key for key in (image_key, label_key) if key not in arrays]
        if missing:
            held = ", ".join(arrays) or "nothing"
            raise DatasetBroken(_broken(name, source, f"it lacks {' and '.join(missing)} (it holds {held})"))
        pixels, classes = arrays[image_key], arrays[label_key]
        if stored.image_shape[-1] == 1 and pixels.ndim == 3:
            pixels = pixels[..., np.newaxis]
        if classes.ndim == 2 and classes.shape[1] == 1:
            classes = classes[:, 0]
        problem = problem_with(pixels, classes, len(stored.class_names))
        if not problem and pixels.shape[1:] != stored.image_shape:
            problem = f"the images are {pixels.shape[1:]}, and must be {stored.image_shape}"
        absent = "" if problem else np.setdiff1d(np.arange(len(stored.class_names)), classes)
        if len(absent):
            problem = f"no image of the class {stored.class_names[absent[0]]!r} is there"
        if problem:
            raise DatasetBroken(_broken(name, source, f"{image_key}, {label_key}: {problem}"))
        images.append(pixels)
        labels.append(classes.astype(np.int64))
    count = sum(map(len, images))
    origin = place if count == stored.images else f"{place} ({count:,} of the {stored.images:,} images)"
    joined = images[0] if len(images) == 1 else np.concatenate(images)
    test_size = len(images[1]) if len(images) == 2 else None
    return Dataset(name, joined, np.concatenate(labels), stored.class_names, origin, test_size=test_size)


def _broken(name: str, source: str, problem: str) -> str:
    return f"The data set {name} cannot be used: {source}: {problem}. Replace or remove that file and load again."


@contextlib.contextmanager
def impatient_network() -> Iterator[None]:
    """Give up a connection that is silent; without this a firewall that drops packets holds a download for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_PATIENCE_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _keras_folder() -> Path:
    """Return the folder in which Keras keeps its downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"


def _from_keras(name: str) -> tuple:
    import keras

    return getattr(keras.datasets, name).load_data()


# The MD5 sums that the publisher states (https://github.com/zalandoresearch/fashion-mnist); keras.datasets checks none.
_FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_FASHION_ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def _fashion_mnist() -> tuple:
    import keras

    arrays = []
    for file, md5 in _FASHION_FILES.items():
        path = keras.utils.get_file(
            file, _FASHION_ADDRESS + file, file_hash=md5, hash_algorithm="md5", cache_subdir="datasets/fashion-mnist"
        )
        with gzip.open(path) as stream:
            content = stream.read()
        # The IDX format: byte 3 is the number of axes, then each axis' length as 32 bits, then the bytes themselves.
        axes = np.frombuffer(content, ">u4", content[3], offset=4)
        arrays.append(np.frombuffer(content, np.uint8, offset=4 + 4 * len(axes)).reshape(axes))
    return tuple(arrays[:2]), tuple(arrays[2:])


STORED = {
    "mnist": _Stored((28, 28, 1), DIGITS, 70_000, partial(_from_keras, "mnist"), "keras.datasets", 11, "mnist.npz"),
    "fashion_mnist": _Stored(
        (28, 28, 1), GARMENTS, 70_000, _fashion_mnist, "keras.utils.get_file", 30, "fashion-mnist"
    ),
    "cifar10": _Stored(
        (32, 32, 3),
        CIFAR10,
        60_000,
        partial(_from_keras, "cifar10"),
        "keras.datasets",
        megabytes=170,
        keras_path="cifar-10-batches-py-target",
    ),
    "cifar100": _Stored(
        (32, 32, 3),
        CIFAR100,
        60_000,
        partial(_from_keras, "cifar100"),
        "keras.datasets",
        megabytes=169,
        keras_path="cifar-100-python-target",
    ),
    "mnist5k": _Stored((28, 28, 1), DIGITS, 5_000),
}


def whereabouts(name: str) -> str:
    """Return where :func:`load` would find the stored set ``name`` now, or what is missing, without loading it."""
    for path, place in _places(name):
        if path.is_file():
            return place
    stored = STORED[name]
    if stored.download is None:
        return "missing, although it is part of the course"
    if stored.keras_path and (_keras_folder() / stored.keras_path).exists():
        return "downloaded earlier by Keras"
    return f"not on this machine; load would download {stored.megabytes} MB"
