"""How the course trains: augmentation, learning rates, optimisers, losses, whole recipes, and what a run prints.

Everything here serves ``keras.Model.fit``; nothing replaces it. Derived in lessons 03 and 04.
"""

from cnn_course.training.augmentation import FlipAndShift, batch_at, flip_and_shift
from cnn_course.training.fast import (
    FAST_RECIPES,
    JIT_COMPILE,
    FastRecipe,
    fast_model,
    fit_recipe,
    recipe_batches,
    recipe_optimiser,
    train_fast,
)
from cnn_course.training.initialisation import initialise_identity, initialise_whitening, whitening_kernel
from cnn_course.training.losses import SmoothedCrossentropy
from cnn_course.training.optimisers import Muon, orthogonalise
from cnn_course.training.progress import EpochLog, StepRate, images_per_second
from cnn_course.training.regularisation import ABLATION, Regularisation, train_one_cycle, train_regularised
from cnn_course.training.schedules import TriangularSchedule
from cnn_course.training.state import build_state, forget_steps
from cnn_course.training.views import accuracy_by_views, predict_with_views

__all__ = [
    "ABLATION",
    "FAST_RECIPES",
    "JIT_COMPILE",
    "EpochLog",
    "FastRecipe",
    "FlipAndShift",
    "Muon",
    "Regularisation",
    "SmoothedCrossentropy",
    "StepRate",
    "TriangularSchedule",
    "accuracy_by_views",
    "batch_at",
    "build_state",
    "fast_model",
    "fit_recipe",
    "flip_and_shift",
    "forget_steps",
    "images_per_second",
    "initialise_identity",
    "initialise_whitening",
    "orthogonalise",
    "predict_with_views",
    "recipe_batches",
    "recipe_optimiser",
    "train_fast",
    "train_one_cycle",
    "train_regularised",
    "whitening_kernel",
]
