"""Hyperparameter search: KerasTuner within a budget, and what the best of many trials is worth. Derived in lesson 11.

A *trial* is here, as in KerasTuner, one training of one setting; its *score* is its validation accuracy.
"""

from cnn_course.search.networks import SmallNetworks, Table
from cnn_course.search.theory import (
    GaussianProcess,
    best_so_far,
    expected_inflation,
    expected_maximum,
    hyperband_brackets,
    matern,
)
from cnn_course.search.tuners import KINDS, OBJECTIVE, UNITS, Budget, Trial, ended_within, look_up, trials, tuner

__all__ = [
    "KINDS",
    "OBJECTIVE",
    "UNITS",
    "Budget",
    "GaussianProcess",
    "SmallNetworks",
    "Table",
    "Trial",
    "best_so_far",
    "ended_within",
    "expected_inflation",
    "expected_maximum",
    "hyperband_brackets",
    "look_up",
    "matern",
    "trials",
    "tuner",
]
