"""Eight bits instead of thirty-two: affine quantization by hand, and LiteRT for small devices. Derived in lesson 08."""

from cnn_course.quantization.affine import Affine, from_range, symmetric
from cnn_course.quantization.litert import KINDS, LiteRTClassifier, convert, latencies

__all__ = ["KINDS", "Affine", "LiteRTClassifier", "convert", "from_range", "latencies", "symmetric"]
