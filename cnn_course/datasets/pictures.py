"""Photographs and folders of image files."""

from pathlib import Path

import numpy as np

from cnn_course.datasets.dataset import Dataset
from cnn_course.datasets.errors import DatasetBroken, first_line

# Those of scikit-image's colour photographs that its wheel holds; the others are downloads.
PHOTOS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}


def photos(side: int) -> Dataset:
    """Return the photographs that the scikit-image package carries, as squares of ``side`` pixels."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    images = np.stack([_photo(folder / file, side) for file in PHOTOS.values()])
    return Dataset("photos", images, np.arange(len(PHOTOS)), tuple(PHOTOS), "the scikit-image package")


def _photo(path: Path, side: int) -> np.ndarray:
    """Return the middle square of an image file as uint8 (side, side, 3)."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            mode = image.mode
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetBroken(
            f"{path} cannot be read as an image ({first_line(error)}). "
            "Take it out of the folder, or replace it by a whole PNG or JPEG file."
        ) from error
    if mode.startswith(("I", "F")):
        raise DatasetBroken(f"{path} has more than 8 bits a channel; save it as an 8-bit PNG or JPEG.")
    return np.asarray(ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS))


def from_folder(folder: Path, side: int) -> Dataset:
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
