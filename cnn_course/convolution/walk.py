"""The walk of a window over images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnn_course.convolution.arguments import Padding, Pair, padding_of_axis, pair, require_dimensions, require_groups
from cnn_course.convolution.arithmetic import extent, output_size, padding_amounts


@dataclass(frozen=True)
class Walk:
    """A window's walk over images, with every setting checked and written out for both axes."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    output: tuple[int, int]

    @classmethod
    def of(cls, images: tuple, kernel: tuple, stride: Pair, padding: Padding, dilation: Pair, groups: int) -> "Walk":
        """Return a convolution's walk, for images and a kernel of these shapes; ``ValueError`` where there is none."""
        require_dimensions("images", images)
        require_dimensions("kernel", kernel)
        channels, filters = images[3], kernel[3]
        require_groups(channels, filters, groups)
        if kernel[2] != channels // groups:
            there = "the images have" if groups == 1 else f"each of the {groups} groups of the images has"
            raise ValueError(
                f"The kernel of shape {kernel} is for {kernel[2]} channels, and {there} {channels // groups}."
            )
        return cls._walk(images[1:3], kernel[:2], stride, padding, dilation)

    @classmethod
    def of_pool(cls, images: tuple, size: Pair, stride: Pair | None, padding: str) -> "Walk":
        """Return a pooling window's walk over images of this shape; ``ValueError`` where there is none."""
        require_dimensions("images", images)
        if not isinstance(padding, str):
            raise ValueError(f'The padding is {padding!r}; pooling takes "valid" or "same".')
        size = pair("size", size)
        return cls._walk(images[1:3], size, size if stride is None else stride, padding, 1)

    @classmethod
    def _walk(cls, sizes: tuple, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair) -> "Walk":
        kernel, stride, dilation = pair("kernel", kernel), pair("stride", stride), pair("dilation", dilation)
        if max(stride) > 1 and max(dilation) > 1:
            raise ValueError(f"A stride {stride} and a dilation {dilation} above 1 cannot be combined; choose one.")
        amounts, outputs = [], []
        for k, size in enumerate(sizes):
            shape = {"stride": stride[k], "dilation": dilation[k]}
            of_axis = padding_of_axis(padding, k)
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
        spans = tuple(extent(k, d) for k, d in zip(self.kernel, self.dilation, strict=True))
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
