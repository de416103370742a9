"""How networks are fooled, by accident and on purpose, and how they are hardened. Lesson 12."""

from cnn_course.robustness.attacks import AdversarialTrainer, fgsm, input_gradient, labelled_batches, pgd
from cnn_course.robustness.augmix import CHANGES, augmix, augmix_batches, blend, changed_copies, single_change
from cnn_course.robustness.calibration import Reliability, fitted_temperature, reliability
from cnn_course.robustness.corruptions import CORRUPTIONS, SEVERITIES, corrupt

__all__ = [
    "CHANGES",
    "CORRUPTIONS",
    "SEVERITIES",
    "AdversarialTrainer",
    "Reliability",
    "augmix",
    "augmix_batches",
    "blend",
    "changed_copies",
    "corrupt",
    "fgsm",
    "fitted_temperature",
    "input_gradient",
    "labelled_batches",
    "pgd",
    "reliability",
    "single_change",
]
