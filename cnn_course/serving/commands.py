"""What the commands ``cnn-course export`` and ``cnn-course serve`` do."""

import ipaddress
import logging
from collections.abc import Callable
from pathlib import Path

import keras

from cnn_course import datasets, models
from cnn_course.models.trained import TRAINED
from cnn_course.serving.app import create_app
from cnn_course.serving.contract import Limits
from cnn_course.serving.errors import ServingError
from cnn_course.serving.export import export
from cnn_course.serving.server import address_of, bound, serve

REPRESENTATIVE_SIZE = 100


def export_network(
    network: str,
    out: Path,
    *,
    name: str | None = None,
    size: int | None = None,
    labels: Path | None = None,
    version: int | None = None,
    litert: str | None = None,
    representative: str | None = None,
) -> Path:
    """Export a network that came with the course, or one from a ``.keras`` file, and return the version's folder.

    Args:
        network: ``"fast_network"``, ``"student"``, or the path of a ``.keras`` file.
        out: The folder of the models; the version is written to ``out/name/number``.
        name: The model's name; by default the network's, or the file's without its ending.
        size: Height and width of the images where the network leaves them open; 32 by default.
        labels: A text file with the name of a class in each line; by default those of CIFAR-10 for the course's own
            networks, and numbers for others.
        version: Its number; by default the next one.
        litert: The kind of a LiteRT file that is written as well.
        representative: The data set whose training images tell the ranges for the kind ``"int8"``.

    Raises:
        ServingError: Something of it is missing or does not fit.
    """
    if litert == "int8" and representative is None:
        raise ServingError("int8 needs images from which the ranges are learned: give --representative DATASET.")
    model = _network(network)
    count = model.output_shape[-1]
    if labels is not None:
        names = _lines(labels)
    else:
        names = list(datasets.CIFAR10) if network in TRAINED else [str(k) for k in range(count)]
    height, width, channels = model.input_shape[1:]
    shape = (height or size or 32, width or size or 32, channels)
    images = None
    if litert == "int8":
        try:
            train = datasets.load(representative or "").split(REPRESENTATIVE_SIZE, 0).train
        except (datasets.DatasetUnavailable, datasets.DatasetBroken, ValueError) as error:
            raise ServingError(str(error)) from error
        if train.image_shape != shape:
            raise ServingError(f"The images of {train.name} have the shape {train.image_shape}; the network's {shape}.")
        images = train.images
    folder = out / (name or Path(network).stem)
    return export(
        model, folder, class_names=names, image_shape=shape, version=version, litert=litert, representative=images
    )


def serve_folder(
    folder: Path,
    *,
    name: str | None,
    host: str,
    port: int,
    batching: bool,
    largest_batch: int,
    poll_seconds: float,
    limits: Limits,
    tell: Callable[[str], None],
) -> None:
    """Serve the model in ``folder`` until the process is asked to end; ``tell`` is given a line or two at the start.

    Raises:
        ServingError: There is nothing to serve, or the address is taken.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    listener = bound(host, port)  # before the model is loaded, which takes longer than to find the port taken
    try:
        app = create_app(
            folder,
            name=name,
            batching=batching,
            largest_batch=largest_batch,
            poll_seconds=poll_seconds,
            limits=limits,
        )
        tell(f"{address_of(listener)}/v1/models/{app.title} is served. Ctrl+C ends it.")
        if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
            tell("Other machines can reach it, and it asks nobody for a name: put it behind something that does.")
        serve(app, listener)
    finally:
        listener.close()


def _network(network: str) -> keras.Model:
    if network in TRAINED:
        try:
            return models.trained(network)
        except models.WeightsUnavailable as error:
            raise ServingError(str(error)) from error
    file = Path(network)
    if file.suffix != ".keras":
        raise ServingError(f"{network!r} is neither one of {', '.join(TRAINED)} nor a .keras file.")
    if not file.exists():
        raise ServingError(f"There is no file {file}.")
    try:
        # Keras' own default: a file that brings Python code along is refused.
        model = keras.saving.load_model(file, compile=False)
    except Exception as error:  # Keras raises what the broken part of the file leads to
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ServingError(f"{file} cannot be loaded: {first[:300]}") from error
    if not isinstance(model.input_shape, tuple) or len(model.input_shape) != 4:
        raise ServingError(f"{file} takes inputs of the shape {model.input_shape}, and no images.")
    return model


def _lines(file: Path) -> list[str]:
    try:
        names = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ServingError(f"The names of the classes cannot be read from {file}: {error}.") from error
    return [name for name in names if name]
