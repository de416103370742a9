"""Eight bits instead of thirty-two: affine quantization by hand, and LiteRT for small devices. Derived in lesson 08."""

from cnn_course.quantization.affine import Affine, from_range, symmetric
from cnn_course.quantization.aware import RoundedMaps, fake_quantize, fold_batch_norm, quantization_aware
from cnn_course.quantization.litert import KINDS, LiteRTClassifier, convert, convert_all, latencies

__all__ = [
    "KINDS",
    "Affine",
    "LiteRTClassifier",
    "RoundedMaps",
    "convert",
    "convert_all",
    "fake_quantize",
    "fold_batch_norm",
    "from_range",
    "latencies",
    "quantization_aware",
    "symmetric",
]
