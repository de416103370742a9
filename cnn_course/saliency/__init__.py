"""Where does a network look? Maps of what an answer depends on, and measures of what they are worth. From lesson 09."""

from cnn_course.saliency.explainable import explainable, layer_names
from cnn_course.saliency.explainer import METHODS, Explainer, enlarged
from cnn_course.saliency.marks import MARK_COLOURS, MARK_SIDE, mark_mask, with_marks
from cnn_course.saliency.measures import (
    area_under,
    centre_map,
    energy_inside,
    mosaics,
    off_centre,
    perturbed,
    pointing_game,
    random_maps,
    rank_correlation,
)
from cnn_course.saliency.sanity import randomised

__all__ = [
    "MARK_COLOURS",
    "MARK_SIDE",
    "METHODS",
    "Explainer",
    "area_under",
    "centre_map",
    "energy_inside",
    "enlarged",
    "explainable",
    "layer_names",
    "mark_mask",
    "mosaics",
    "off_centre",
    "perturbed",
    "pointing_game",
    "random_maps",
    "randomised",
    "rank_correlation",
    "with_marks",
]
