"""Lesson 01 in NumPy: convolution and pooling, their gradients, and the arithmetic of shapes, parameters and work.

Arrays are laid out as Keras lays them out: images (n, height, width, channels), kernels (height, width, channels /
groups, filters). "Convolution" is what deep learning calls so: cross-correlation, the kernel is not flipped. Of a pair
of numbers the first belongs to the height, the second to the width; one number stands for both.

The arithmetic follows Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285, and
TensorFlow where they leave a choice open (the asymmetric padding "same").
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Pair = int | tuple[int, int]
# "valid", "same", the zeros on each side, or ((top, bottom), (left, right)).
Padding = str | int | tuple[tuple[int, int], tuple[int, int]]


def conv2d_loops(
    images: np.ndarray,
    kernel: np.ndarray,
    *,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
) -> np.ndarray:
    """Return what :func:`conv2d` returns, one multiplication and one addition at a time: the definition as loops."""
    setting = _Setting.of(images.shape, kernel.shape, stride, padding, dilation, groups)
    padded = setting.pad(_as_float(images, kernel))
    batch, (rows, columns) = len(images), setting.output
    height, width, channels, filters = kernel.shape
    output = np.zeros((batch, rows, columns, filters), padded.dtype)
    (down, across), (of_rows, of_columns) = setting.stride, setting.dilation
    for n, r, c, f in np.ndindex(output.shape):
        first = f // (filters // groups) * channels  # the first of the channels that this filter sees
        for i, j, q in np.ndindex(height, width, channels):
            pixel = padded[n, r * down + i * of_rows, c * across + j * of_columns, first + q]
            output[n, r, c, f] += pixel * kernel[i, j, q, f]
    return output


def conv2d(
    images: np.ndarray,
    kernel: np.ndarray,
    *,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
) -> np.ndarray:
    """Return the cross-correlation of ``images`` with ``kernel``, as ``keras.layers.Conv2D`` without its bias.

    ``output[n, r, c, f] = sum over i, j, q of padded[n, r * stride + i * dilation, c * stride + j * dilation, q] *
    kernel[i, j, q, f]``, where q runs over the channels of the group of filter f.

    Args:
        images: (n, height, width, channels). Whole numbers are computed with as floating-point numbers.
        kernel: (height, width, channels / groups, filters).
        stride: The step of the window from one output to the next.
        padding: ``"valid"`` (none); ``"same"`` (zeros such that the output has ceil(size / stride) rows and columns,
            the odd one below and on the right, as TensorFlow does); or the zeros on each side, as one number or as
            ``((top, bottom), (left, right))``.
        dilation: The distance between neighbouring entries of the kernel on the image.
        groups: Into how many groups the channels and the filters are parted; group k of the filters sees group k of
            the channels alone.

    Returns:
        Floating-point numbers (n, rows, columns, filters), of the widest type among the arguments and ``float32``.

    Raises:
        ValueError: The shapes do not fit, a setting is not possible, a stride and a dilation above 1 are combined
            (Keras refuses that too), or the kernel does not fit into the padded image.
    """
    setting = _Setting.of(images.shape, kernel.shape, stride, padding, dilation, groups)
    windows = setting.windows(setting.pad(_as_float(images, kernel)))  # (n, rows, columns, channels, i, j)
    outputs = [
        np.einsum("nrcqij,ijqf->nrcf", of_channels, of_filters, optimize=True)
        for of_channels, of_filters in zip(
            np.split(windows, groups, axis=3), np.split(kernel, groups, axis=3), strict=True
        )
    ]
    return np.concatenate(outputs, axis=3)


def depthwise_conv2d(
    images: np.ndarray,
    kernel: np.ndarray,
    *,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
) -> np.ndarray:
    """Return each channel of ``images`` convolved with filters of its own, as ``keras.layers.DepthwiseConv2D``.

    ``kernel`` is (height, width, channels, multiplier), the output (n, rows, columns, channels * multiplier) with the
    filters of one channel side by side. It is a convolution with as many groups as channels.
    """
    _require_dimensions("images", images.shape)
    _require_dimensions("kernel", kernel.shape)
    height, width, channels, multiplier = kernel.shape
    if channels != images.shape[3]:
        raise ValueError(f"The kernel is for {channels} channels, and the images have {images.shape[3]}.")
    grouped = kernel.reshape(height, width, 1, channels * multiplier)
    return conv2d(images, grouped, stride=stride, padding=padding, dilation=dilation, groups=channels)


def conv2d_kernel_gradient(
    images: np.ndarray,
    output_gradient: np.ndarray,
    kernel_shape: tuple[int, int, int, int],
    *,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
) -> np.ndarray:
    """Return the gradient of a loss with respect to the kernel, from that with respect to the convolution's output.

    Each entry of the kernel multiplied one pixel for each output, so its gradient is the sum over all outputs of that
    pixel times the output's gradient: a convolution of the images with the output gradient.

    Args:
        images: (n, height, width, channels), what the convolution was given.
        output_gradient: (n, rows, columns, filters), of the shape of the convolution's output.
        kernel_shape: (height, width, channels / groups, filters); the gradient has this shape.
        stride: As in :func:`conv2d`, like ``padding``, ``dilation`` and ``groups``.
    """
    setting = _Setting.of(images.shape, kernel_shape, stride, padding, dilation, groups)
    setting.require_output(output_gradient, len(images), kernel_shape[3])
    padded = np.split(setting.pad(_as_float(images, output_gradient)), groups, axis=3)
    by_group = np.split(output_gradient, groups, axis=3)
    gradient = np.zeros(kernel_shape, padded[0].dtype)
    for i, j in np.ndindex(kernel_shape[:2]):
        rows, columns = setting.pixels_under(i, j)
        gradient[i, j] = np.concatenate(
            [
                np.einsum("nrcq,nrcf->qf", pixels[:, rows, columns], outputs, optimize=True)
                for pixels, outputs in zip(padded, by_group, strict=True)
            ],
            axis=1,
        )
    return gradient


def conv2d_input_gradient(
    image_shape: tuple[int, int, int, int],
    output_gradient: np.ndarray,
    kernel: np.ndarray,
    *,
    stride: Pair = 1,
    padding: Padding = "valid",
    dilation: Pair = 1,
    groups: int = 1,
) -> np.ndarray:
    """Return the gradient of a loss with respect to the images, from that with respect to the convolution's output.

    Each output hands its gradient back to the pixels it was computed from, times the entry of the kernel between
    them; a pixel adds up what it is handed. This operation is also known as the transposed convolution.

    Args:
        image_shape: (n, height, width, channels); the gradient has this shape.
        output_gradient: (n, rows, columns, filters), of the shape of the convolution's output.
        kernel: (height, width, channels / groups, filters).
        stride: As in :func:`conv2d`, like ``padding``, ``dilation`` and ``groups``.
    """
    setting = _Setting.of(image_shape, kernel.shape, stride, padding, dilation, groups)
    setting.require_output(output_gradient, image_shape[0], kernel.shape[3])
    (top, bottom), (left, right) = setting.padding
    batch, height, width, channels = image_shape
    shape = (batch, top + height + bottom, left + width + right, channels)
    padded = np.zeros(shape, np.result_type(np.float32, output_gradient, kernel))
    by_group = np.split(output_gradient, groups, axis=3)
    filters = np.split(kernel, groups, axis=3)
    for i, j in np.ndindex(kernel.shape[:2]):
        rows, columns = setting.pixels_under(i, j)
        handed = [outputs @ of_filters[i, j].T for outputs, of_filters in zip(by_group, filters, strict=True)]
        padded[:, rows, columns] += np.concatenate(handed, axis=3)
    return padded[:, top : top + height, left : left + width]


def max_pool2d(images: np.ndarray, size: Pair = 2, *, stride: Pair | None = None, padding: str = "valid") -> np.ndarray:
    """Return the largest value of each channel in each window, as ``keras.layers.MaxPooling2D``.

    Args:
        images: (n, height, width, channels); the output has their type.
        size: Of the window.
        stride: The step of the window; its own size where none is given.
        padding: ``"valid"`` or ``"same"``; what was padded is never the largest.

    Raises:
        ValueError: The images are not four-dimensional, a setting is not possible, or the window does not fit.
    """
    lowest = -np.inf if np.issubdtype(images.dtype, np.floating) else np.iinfo(images.dtype).min
    setting = _Setting.of_pool(images.shape, size, stride, padding)
    return setting.windows(setting.pad(images, lowest)).max(axis=(4, 5))


def average_pool2d(
    images: np.ndarray, size: Pair = 2, *, stride: Pair | None = None, padding: str = "valid"
) -> np.ndarray:
    """Return the mean of each channel in each window, as ``keras.layers.AveragePooling2D``.

    Arguments and errors are those of :func:`max_pool2d`. What was padded is not counted: a window that reaches over
    the edge is averaged over the pixels it has.
    """
    setting = _Setting.of_pool(images.shape, size, stride, padding)
    sums = setting.windows(setting.pad(_as_float(images))).sum(axis=(4, 5))
    counts = setting.windows(setting.pad(np.ones((1, *images.shape[1:3], 1), sums.dtype))).sum(axis=(4, 5))
    return sums / counts


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
    total = max((outputs - 1) * stride + _extent(kernel, dilation) - size, 0)
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
        _whole(name, value, least=1)
    before, after = (
        padding_amounts(size, kernel, stride=stride, padding=padding, dilation=dilation)
        if isinstance(padding, str)
        else _both_sides(padding)
    )
    room = size + before + after - _extent(kernel, dilation)
    if room < 0:
        raise ValueError(
            f"A window that spans {_extent(kernel, dilation)} pixels does not fit into {size + before + after} "
            f'({size} and {before + after} of padding). Take a larger image, a smaller kernel, or padding="same".'
        )
    return room // stride + 1


def conv2d_parameters(kernel_size: Pair, channels: int, filters: int, *, groups: int = 1, bias: bool = True) -> int:
    """Return the number of weights: height * width * (channels / groups) * filters, and ``filters`` biases."""
    height, width = _pair("kernel_size", kernel_size)
    _require_groups(channels, filters, groups)
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
    sizes, kernels = _pair("image_size", image_size), _pair("kernel_size", kernel_size)
    strides, dilations = _pair("stride", stride), _pair("dilation", dilation)
    rows, columns = (
        output_size(sizes[k], kernels[k], stride=strides[k], padding=_of_axis(padding, k), dilation=dilations[k])
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
            _whole(name, getattr(self, name), least=1)


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
            before, after = _both_sides(window.padding)
        offset -= before * step
        size += (_extent(window.kernel, window.dilation) - 1) * step
        step *= window.stride
        if pixels is not None:
            pixels = output_size(pixels, window.kernel, padding=(before, after), **shape)
    return ReceptiveField(size, step, offset)


@dataclass(frozen=True)
class _Setting:
    """A window's walk over images, with every setting checked and written out for both axes."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    output: tuple[int, int]

    @classmethod
    def of(
        cls, images: tuple, kernel: tuple, stride: Pair, padding: Padding, dilation: Pair, groups: int
    ) -> "_Setting":
        """Return a convolution's walk, for images and a kernel of these shapes; ``ValueError`` where there is none."""
        _require_dimensions("images", images)
        _require_dimensions("kernel", kernel)
        channels, filters = images[3], kernel[3]
        _require_groups(channels, filters, groups)
        if kernel[2] != channels // groups:
            there = "the images have" if groups == 1 else f"each of the {groups} groups of the images has"
            raise ValueError(
                f"The kernel of shape {kernel} is for {kernel[2]} channels, and {there} {channels // groups}."
            )
        return cls._walk(images[1:3], kernel[:2], stride, padding, dilation)

    @classmethod
    def of_pool(cls, images: tuple, size: Pair, stride: Pair | None, padding: str) -> "_Setting":
        """Return a pooling window's walk over images of this shape; ``ValueError`` where there is none."""
        _require_dimensions("images", images)
        if not isinstance(padding, str):
            raise ValueError(f'The padding is {padding!r}; pooling takes "valid" or "same".')
        size = _pair("size", size)
        return cls._walk(images[1:3], size, size if stride is None else stride, padding, 1)

    @classmethod
    def _walk(cls, sizes: tuple, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair) -> "_Setting":
        kernel, stride, dilation = _pair("kernel", kernel), _pair("stride", stride), _pair("dilation", dilation)
        if max(stride) > 1 and max(dilation) > 1:
            raise ValueError(f"A stride {stride} and a dilation {dilation} above 1 cannot be combined; choose one.")
        amounts, outputs = [], []
        for k, size in enumerate(sizes):
            shape = {"stride": stride[k], "dilation": dilation[k]}
            of_axis = _of_axis(padding, k)
            if isinstance(of_axis, str):
                of_axis = padding_amounts(size, kernel[k], padding=of_axis, **shape)
            amounts.append(of_axis)
            outputs.append(output_size(size, kernel[k], padding=of_axis, **shape))
        return cls(kernel, stride, dilation, tuple(amounts), tuple(outputs))

    def pad(self, images: np.ndarray, value: Any = 0) -> np.ndarray:
        """Return a copy of ``images`` with ``value`` around each."""
        return np.pad(images, ((0, 0), *self.padding, (0, 0)), constant_values=value)

    def windows(self, padded: np.ndarray) -> np.ndarray:
        """Return a view of what lies under the window at each of its positions: (n, rows, columns, channels, i, j)."""
        spans = tuple(_extent(k, d) for k, d in zip(self.kernel, self.dilation, strict=True))
        everywhere = sliding_window_view(padded, spans, axis=(1, 2))
        (down, across), (of_rows, of_columns) = self.stride, self.dilation
        return everywhere[:, ::down, ::across, :, ::of_rows, ::of_columns]

    def pixels_under(self, i: int, j: int) -> tuple[slice, slice]:
        """Return the rows and columns of the padded image that lie under entry (i, j), one for each output."""
        starts = i * self.dilation[0], j * self.dilation[1]
        return tuple(
            slice(start, start + (count - 1) * step + 1, step)
            for start, count, step in zip(starts, self.output, self.stride, strict=True)
        )

    def require_output(self, gradient: np.ndarray, batch: int, filters: int) -> None:
        """Raise ``ValueError`` unless ``gradient`` has the shape of the output."""
        shape = (batch, *self.output, filters)
        if gradient.shape != shape:
            raise ValueError(f"The gradient of shape {gradient.shape} is not that of an output of shape {shape}.")


def _as_float(*arrays: np.ndarray) -> np.ndarray:
    """Return the first array in the widest type among all of them and float32."""
    return np.asarray(arrays[0], np.result_type(np.float32, *(array.dtype for array in arrays)))


def _extent(kernel: int, dilation: int) -> int:
    """Return how many pixels a kernel of this size spans."""
    return dilation * (kernel - 1) + 1


def _whole(name: str, value: Any, *, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {least}.")
    return number


def _pair(name: str, value: Any) -> tuple[int, int]:
    """Return (height, width) of a setting that is one number or two."""
    both = tuple(value) if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) else (value, value)
    if len(both) != 2:
        raise ValueError(f"{name} is {value!r}; it must be one whole number or two, for height and width.")
    return _whole(name, both[0], least=1), _whole(name, both[1], least=1)


def _both_sides(padding: Any) -> tuple[int, int]:
    """Return the zeros (before, after) of an axis, from one number or two."""
    both = tuple(padding) if isinstance(padding, Sequence | np.ndarray) else (padding, padding)
    if len(both) != 2:
        raise ValueError(f"The padding of an axis is {padding!r}; it must be one number or (before, after).")
    return _whole("padding", both[0], least=0), _whole("padding", both[1], least=0)


def _of_axis(padding: Padding, axis: int) -> str | tuple[int, int]:
    """Return what ``padding`` says of the height (0) or of the width (1)."""
    if isinstance(padding, str):
        return padding
    if isinstance(padding, Sequence | np.ndarray):
        if len(padding) != 2 or not all(isinstance(side, Sequence | np.ndarray) for side in padding):
            raise ValueError(f"The padding is {padding!r}; written out it is ((top, bottom), (left, right)).")
        return _both_sides(padding[axis])
    return _both_sides(padding)


def _require_dimensions(name: str, shape: tuple) -> None:
    layout = {"images": "(n, height, width, channels)", "kernel": "(height, width, channels / groups, filters)"}[name]
    if len(shape) != 4:
        raise ValueError(f"The {name} must be an array {layout}; the shape {shape} has not four dimensions.")


def _require_groups(channels: int, filters: int, groups: int) -> None:
    _whole("groups", groups, least=1)
    if channels % groups or filters % groups:
        raise ValueError(f"{groups} groups must divide the {channels} channels and the {filters} filters.")
