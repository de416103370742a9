"""Lesson 01 in NumPy: convolution and pooling, their gradients, and the arithmetic of shapes, parameters and work.

Arrays are laid out as Keras lays them out: images (n, height, width, channels), kernels (height, width, channels /
groups, filters). "Convolution" is what deep learning calls so: cross-correlation, the kernel is not flipped. Of a pair
of numbers the first belongs to the height, the second to the width; one number stands for both.

The arithmetic follows Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv 1603.07285, and
TensorFlow where they leave a choice open (the asymmetric padding "same").
"""

from cnn_course.convolution.arithmetic import (
    ReceptiveField,
    Window,
    conv2d_flops,
    conv2d_parameters,
    dense_flops,
    dense_parameters,
    output_size,
    padding_amounts,
    receptive_field,
)
from cnn_course.convolution.operations import (
    average_pool2d,
    conv2d,
    conv2d_input_gradient,
    conv2d_kernel_gradient,
    conv2d_loops,
    depthwise_conv2d,
    max_pool2d,
)

__all__ = [
    "ReceptiveField",
    "Window",
    "average_pool2d",
    "conv2d",
    "conv2d_flops",
    "conv2d_input_gradient",
    "conv2d_kernel_gradient",
    "conv2d_loops",
    "conv2d_parameters",
    "dense_flops",
    "dense_parameters",
    "depthwise_conv2d",
    "max_pool2d",
    "output_size",
    "padding_amounts",
    "receptive_field",
]
