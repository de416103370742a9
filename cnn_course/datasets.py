"""Every data set of the course through one door: :func:`load`; then :meth:`Dataset.split` and :func:`batches`.

A set is looked for in this order, and its origin is recorded with it:

1. the file ``NAME.npz`` in the folder ``$CNN_COURSE_DATA``, then in the user's cache folder;
2. the file that travels with the course (``mnist5k``), or the generator (``shapes10``), or the photographs that the
   scikit-image package carries (``photos``);
3. a download whose checksum is compared with the published one.

Nothing takes the place of a set that cannot be had (:class:`DatasetUnavailable`), and a file that is there but broken
is reported, not passed over (:class:`DatasetBroken`).
"""

import contextlib
import gzip
import hashlib
import os
import socket
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnn_course import bundled, lesson, shapes

if TYPE_CHECKING:
    import tensorflow as tf

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
# Those of scikit-image's colour photographs that its wheel holds; the others are downloads.
PHOTOS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}
SHAPES_COUNT = 5000
PHOTO_SIDE = 224
# A connection on which nothing arrives for so long counts as none.
NETWORK_PATIENCE_SECONDS = 30.0


class DatasetUnavailable(Exception):
    """A set that is neither on this machine nor to be downloaded; the message says what was tried and what helps."""


class DatasetBroken(ValueError):
    """A file or folder of images that is there and cannot be used; the message names it and what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, held as they are stored: ``uint8``, 0 to 255. The arrays are read-only.

    Attributes:
        name: The name given to :func:`load`, or the folder's own.
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
        problem = _problem(self.images, self.labels, len(self.class_names), self.masks)
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
        return _photos(PHOTO_SIDE if size is None else int(size))
    if isinstance(name, str) and name in _STORED:
        if size is not None:
            raise ValueError(
                f"{name} has the size it was published in; for fewer images use load({name!r}).split(train_size=...)."
            )
        return _stored(name)
    if str(name) and Path(name).is_dir():
        return _folder(Path(name), PHOTO_SIDE if size is None else int(size))
    raise ValueError(
        f"There is no data set {str(name)!r}, and no folder of that name. The sets are {', '.join(NAMES)}; "
        "a folder that holds one sub-folder of images for each class works too."
    )


def availability() -> dict[str, str]:
    """Return for each name where :func:`load` would find the set now, or what is missing, without loading anything."""
    found = {}
    for name in NAMES:
        files = [place for path, place in _places(name) if path.is_file()]
        stored = _STORED.get(name)
        if name == "shapes10":
            found[name] = "generated from a seed"
        elif name == "photos":
            found[name] = "in the scikit-image package"
        elif files:
            found[name] = files[0]
        elif (_keras_folder() / stored.keras_path).exists():
            found[name] = "downloaded earlier by Keras"
        else:
            found[name] = f"not on this machine; load would download {stored.megabytes} MB"
    return found


def batches(
    dataset: Dataset,
    batch_size: int,
    *,
    shuffle: int | None = None,
    augment: Callable | None = None,
    cache: bool = True,
    drop_remainder: bool = False,
) -> "tf.data.Dataset":
    """Return the set as a ``tf.data`` pipeline of (images ``float32`` 0..255, labels ``int64``) in batches.

    The order of the steps is memory, cache, shuffle, batch, augmentation, prefetch: what is the same in each epoch
    comes before the cache, what is drawn anew comes after it.

    Args:
        dataset: The images.
        batch_size: Images in one batch; the last one may be smaller.
        shuffle: The seed of the order, a new one in each epoch; ``None`` keeps the set's order.
        augment: A function of a float32 batch, or a Keras layer, which is called with ``training=True``. For training
            sets only. It runs on one batch after the other, so that its random draws come in the same order each time.
        cache: Keep the elements in memory after the first epoch.
        drop_remainder: Leave out a last batch that is smaller.

    Two runs with the same seeds, TensorFlow's global one included, give the same batches.
    """
    import keras
    import tensorflow as tf

    if len(dataset) == 0:
        raise ValueError(f"There are no images in this part of {dataset.name}, so there are no batches of it.")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; it must be a whole number of at least 1.")
    pipeline = tf.data.Dataset.from_tensor_slices((dataset.images, dataset.labels))
    if cache:
        pipeline = pipeline.cache()
    if shuffle is not None:
        pipeline = pipeline.shuffle(len(dataset), seed=shuffle, reshuffle_each_iteration=True)
    pipeline = pipeline.batch(batch_size, drop_remainder=drop_remainder)
    pipeline = pipeline.map(lambda images, labels: (tf.cast(images, tf.float32), labels))
    if isinstance(augment, keras.Layer):
        if not augment.built:
            augment.build((None, *dataset.image_shape))
        pipeline = pipeline.map(lambda images, labels: (augment(images, training=True), labels))
    elif augment is not None:
        pipeline = pipeline.map(lambda images, labels: (augment(images), labels))
    return pipeline.prefetch(tf.data.AUTOTUNE)


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


def _problem(images: Any, labels: Any, classes: int, masks: Any = None) -> str:
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


def _shapes10(seed: int, count: int) -> Dataset:
    images, labels, masks = shapes.generate(count, seed)
    return Dataset("shapes10", images, labels, shapes.CLASS_NAMES, f"generated from seed {seed}", masks)


def _photos(side: int) -> Dataset:
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    images = np.stack([_photo(folder / file, side) for file in PHOTOS.values()])
    return Dataset("photos", images, np.arange(len(PHOTOS)), tuple(PHOTOS), "the scikit-image package")


def _photo(path: Path, side: int) -> np.ndarray:
    """Return the middle square of an image file as uint8 (side, side, 3)."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise DatasetBroken(f"{path} has more than 8 bits a channel; save it as an 8-bit PNG or JPEG.")
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DatasetBroken(
            f"{path} cannot be read as an image ({_first_line(error)}). "
            "Take it out of the folder, or replace it by a whole PNG or JPEG file."
        ) from error
    return np.asarray(ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS))


def _folder(folder: Path, side: int) -> Dataset:
    """Return the images of a folder that holds one sub-folder for each class. Hidden files are passed over."""
    remedy = "A folder of images holds one sub-folder for each class, and in each of them image files and nothing else."
    entries = _visible(folder)
    beside = [entry.name for entry in entries if not entry.is_dir()]
    if not entries:
        raise DatasetBroken(f"The folder {folder} is empty. {remedy}")
    if beside:
        raise DatasetBroken(f"The folder {folder} holds {_some(beside)} beside the class folders. {remedy}")
    files, labels = [], []
    for label, entry in enumerate(entries):
        inside = _visible(entry)
        nested = [path.name for path in inside if path.is_dir()]
        if not inside:
            raise DatasetBroken(f"The class folder {entry} holds no images. {remedy}")
        if nested:
            raise DatasetBroken(f"The class folder {entry} holds the folder {_some(nested)}. {remedy}")
        files += inside
        labels += [label] * len(inside)
    images = np.empty((len(files), side, side, 3), np.uint8)
    for k, path in enumerate(files):
        images[k] = _photo(path, side)
    names = tuple(entry.name for entry in entries)
    return Dataset(folder.resolve().name, images, np.array(labels), names, f"folder {folder.resolve().name}")


def _visible(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _places(name: str) -> list[tuple[Path, str]]:
    """Return the files in which a stored set may be, in their order, each with its place in words."""
    places = [(lesson.cache_folder() / f"{name}.npz", f"file {name}.npz in the user's cache folder")]
    chosen = os.environ.get("CNN_COURSE_DATA")
    if chosen:
        places.insert(0, (Path(chosen).expanduser() / f"{name}.npz", f"file {name}.npz in $CNN_COURSE_DATA"))
    if name == "mnist5k":
        places.append((bundled.folder("data") / "mnist5k.npz", "bundled"))
    return places


def _stored(name: str) -> Dataset:
    stored = _STORED[name]
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
        with _impatient_network():
            (train_images, train_labels), (test_images, test_labels) = stored.download()
    except Exception as error:  # Keras reports a failed download, checksum or archive as it comes
        tried.append(f"download: {_first_line(error)}")
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
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("it holds one array, not an archive of named arrays")
        with file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetBroken(_broken(name, str(path), f"it cannot be read ({_first_line(error)})")) from error
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
        problem = _problem(pixels, classes, len(stored.class_names))
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


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@contextlib.contextmanager
def _impatient_network() -> Iterator[None]:
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


_STORED = {
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
NAMES = (*_STORED, "shapes10", "photos")
