"""Convolution and pooling, and their gradients."""

import numpy as np

from cnn_course.convolution.arguments import Padding, Pair, require_dimensions
from cnn_course.convolution.walk import Walk


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
    setting = Walk.of(images.shape, kernel.shape, stride, padding, dilation, groups)
    padded = setting.pad(as_float(images, kernel))
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
    setting = Walk.of(images.shape, kernel.shape, stride, padding, dilation, groups)
    windows = setting.windows(setting.pad(as_float(images, kernel)))  # (n, rows, columns, channels, i, j)
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
    require_dimensions("images", images.shape)
    require_dimensions("kernel", kernel.shape)
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
    setting = Walk.of(images.shape, kernel_shape, stride, padding, dilation, groups)
    setting.require_output(output_gradient, len(images), kernel_shape[3])
    padded = np.split(setting.pad(as_float(images, output_gradient)), groups, axis=3)
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
    setting = Walk.of(image_shape, kernel.shape, stride, padding, dilation, groups)
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
    setting = Walk.of_pool(images.shape, size, stride, padding)
    return setting.windows(setting.pad(images, lowest)).max(axis=(4, 5))


def average_pool2d(
    images: np.ndarray, size: Pair = 2, *, stride: Pair | None = None, padding: str = "valid"
) -> np.ndarray:
    """Return the mean of each channel in each window, as ``keras.layers.AveragePooling2D``.

    Arguments and errors are those of :func:`max_pool2d`. What was padded is not counted: a window that reaches over
    the edge is averaged over the pixels it has.
    """
    setting = Walk.of_pool(images.shape, size, stride, padding)
    sums = setting.windows(setting.pad(as_float(images))).sum(axis=(4, 5))
    counts = setting.windows(setting.pad(np.ones((1, *images.shape[1:3], 1), sums.dtype))).sum(axis=(4, 5))
    return sums / counts


def as_float(*arrays: np.ndarray) -> np.ndarray:
    """Return the first array in the widest type among all of them and float32."""
    return np.asarray(arrays[0], np.result_type(np.float32, *(array.dtype for array in arrays)))
