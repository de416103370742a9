"""Sizes, parameters, operations and receptive fields, by formula."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cnn_course.convolution.arguments import (
    Padding,
    Pair,
    both_sides,
    padding_of_axis,
    pair,
    require_groups,
    whole_number,
)


def extent(kernel: int, dilation: int) -> int:
    """Return how many pixels a kernel of this size spans."""
    return dilation * (kernel - 1) + 1


def padding_amounts(
    size: int, kernel: int, *, stride: int = 1, padding: str = "valid", dilation: int = 1
) -> tuple[int, int]:
    """Return how many zeros ``padding`` puts before and after an axis of ``size`` pixels.

    For ``"same"`` it is the least that gives ceil(size / stride) outputs, and of an odd number the larger part comes
    after the pixels (TensorFlow's convention; others put the same number on both sides).
    """
    if padding == "valid":
        return 0, 0
    if padding != "same":
        raise ValueError(f'The padding is {padding!r}; it can be "valid", "same" or, for a convolution, numbers.')
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + extent(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def output_size(
    size: int, kernel: int, *, stride: int = 1, padding: str | int | tuple[int, int] = "valid", dilation: int = 1
) -> int:
    """Return the number of outputs along an axis of ``size`` pixels: how many steps the window can make, and one.

    floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1, where padding is the sum of both sides.

    Args:
        size: Pixels along the axis.
        kernel: Entries of the kernel (or pixels of the pooling window) along the axis.
        stride: The step of the window.
        padding: ``"valid"``, ``"same"``, the zeros on each side, or the zeros (before, after).
        dilation: The distance between neighbouring entries of the kernel.

    Raises:
        ValueError: A number is below 1, the padding is unknown, or the window does not fit.
    """
    for name, value in {"size": size, "kernel": kernel, "stride": stride, "dilation": dilation}.items():
        whole_number(name, value, least=1)
    before, after = (
        padding_amounts(size, kernel, stride=stride, padding=padding, dilation=dilation)
        if isinstance(padding, str)
        else both_sides(padding)
    )
    room = size + before + after - extent(kernel, dilation)
    if room < 0:
        raise ValueError(
            f"A window that spans {extent(kernel, dilation)} pixels does not fit into {size + before + after} "
            f'({size} and {before + after} of padding). Take a larger image, a smaller kernel, or padding="same".'
        )
    return room // stride + 1


def conv2d_parameters(kernel_size: Pair, channels: int, filters: int, *, groups: int = 1, bias: bool = True) -> int:
    """Return the number of weights: height * width * (channels / groups) * filters, and ``filters`` biases."""
    height, width = pair("kernel_size", kernel_size)
    require_groups(channels, filters, groups)
    return height * width * (channels // groups) * filters + (filters if bias else 0)


def dense_parameters(inputs: int, units: int, *, bias: bool = True) -> int:
    """Return the number of weights of a fully connected layer: inputs * units, and ``units`` biases."""
    return inputs * units + (units if bias else 0)


def conv2d_flops(
    image_size: Pair,
    kernel_size: Pair,
    channels: int,
    filters: int,
    *,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
    bias: bool = True,
) -> int:
    """Return the floating-point operations of a convolution for one image.

    The convention: a multiplication and the addition of its product are two operations, also where the product is
    with a padded zero; a bias is one more for each output. Papers that count multiply-adds give half of this.
    """
    sizes, kernels = pair("image_size", image_size), pair("kernel_size", kernel_size)
    strides, dilations = pair("stride", stride), pair("dilation", dilation)
    rows, columns = (
        output_size(sizes[k], kernels[k], stride=strides[k], padding=padding_of_axis(padding, k), dilation=dilations[k])
        for k in (0, 1)
    )
    multiply_adds = rows * columns * conv2d_parameters(kernels, channels, filters, groups=groups, bias=False)
    return 2 * multiply_adds + (rows * columns * filters if bias else 0)


def dense_flops(inputs: int, units: int, *, bias: bool = True) -> int:
    """Return the floating-point operations of a fully connected layer for one input, counted as for a convolution."""
    return 2 * inputs * units + (units if bias else 0)


@dataclass(frozen=True)
class Window:
    """What a layer's receptive field depends on, along one axis: a convolution's kernel or a pooling window."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: str | int = "valid"  # or "same", or the zeros on each side

    def __post_init__(self) -> None:
        for name in ("kernel", "stride", "dilation"):
            whole_number(name, getattr(self, name), least=1)


class ReceptiveField(NamedTuple):
    """The pixels along one axis on which the outputs of a stack of layers depend.

    Output k depends on the ``size`` pixels from ``offset + k * stride`` on. A negative index lies in the padding.
    """

    size: int
    stride: int
    offset: int

    def pixels(self, k: int) -> range:
        """Return the indices of the pixels on which output ``k`` depends."""
        first = self.offset + k * self.stride
        return range(first, first + self.size)


def receptive_field(windows: Sequence[Window], input_size: int | None = None) -> ReceptiveField:
    """Return the receptive field of a stack of layers, the first one nearest to the image.

    Going up a layer, two neighbouring outputs lie ``stride`` times as far apart on the image; a kernel of k entries
    adds k - 1 such steps to the size; and its padding moves the first output to the left (Araujo, Norris and Sim,
    "Computing receptive fields of convolutional neural networks", Distill, 2019).

    Args:
        windows: The layers. Of no layer at all, an output is a pixel.
        input_size: Pixels along the axis; needed only where a layer has padding ``"same"`` and a stride above 1, whose
            zeros depend on it.
    """
    size, step, offset, pixels = 1, 1, 0, input_size
    for window in windows:
        shape = {"stride": window.stride, "dilation": window.dilation}
        if isinstance(window.padding, str):
            if pixels is None and window.padding == "same" and window.stride > 1:
                raise ValueError('Padding "same" with a stride depends on the image: give input_size.')
            # With stride 1 the zeros are the same for every size.
            before, after = padding_amounts(pixels or 1, window.kernel, padding=window.padding, **shape)
        else:
            before, after = both_sides(window.padding)
        offset -= before * step
        size += (extent(window.kernel, window.dilation) - 1) * step
        step *= window.stride
        if pixels is not None:
            pixels = output_size(pixels, window.kernel, padding=(before, after), **shape)
    return ReceptiveField(size, step, offset)
