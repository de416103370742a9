"""Every architecture of the course, as plain functions that return a ``keras.Model``.

A model takes pixels as they are stored (0 to 255) and scales them itself, so that the scaling travels with it. A
classifier returns logits: its loss takes ``from_logits=True``.
"""

from cnn_course.models.efficientnet_lite import efficientnet_lite0, imagenet_classes
from cnn_course.models.fast import fast_network, student
from cnn_course.models.flops import count_flops
from cnn_course.models.hybrid import attention_block, hybrid_cnn
from cnn_course.models.plain import averaging_cnn, cifar_cnn, mlp, small_cnn
from cnn_course.models.residual import cifar_network, residual_block, resnet8, resnet18, resnet20, resnet56
from cnn_course.models.torch_file import TorchFileError, read_torch_file
from cnn_course.models.trained import load_weights, save_weights, trained
from cnn_course.models.weights import WeightsUnavailable

__all__ = [
    "TorchFileError",
    "WeightsUnavailable",
    "attention_block",
    "averaging_cnn",
    "cifar_cnn",
    "cifar_network",
    "count_flops",
    "efficientnet_lite0",
    "fast_network",
    "hybrid_cnn",
    "imagenet_classes",
    "load_weights",
    "mlp",
    "read_torch_file",
    "residual_block",
    "resnet8",
    "resnet18",
    "resnet20",
    "resnet56",
    "save_weights",
    "small_cnn",
    "student",
    "trained",
]
