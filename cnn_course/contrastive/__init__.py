"""Learning without labels: two views of one image shall have like outputs. Derived in lesson 10.

T. Chen and others 2020, "A simple framework for contrastive learning of visual representations" (SimCLR),
arXiv 2002.05709.
"""

from cnn_course.contrastive.evaluation import alignment, nearest_neighbours, uniformity
from cnn_course.contrastive.pretraining import pairs, pretrain, pretraining_optimiser
from cnn_course.contrastive.simclr import SimCLR, encoder, nt_xent_loss, projection, trained_encoder
from cnn_course.contrastive.views import YIQ, Views, colour_matrices, draw_views, two_views

__all__ = [
    "YIQ",
    "SimCLR",
    "Views",
    "alignment",
    "colour_matrices",
    "draw_views",
    "encoder",
    "nearest_neighbours",
    "nt_xent_loss",
    "pairs",
    "pretrain",
    "pretraining_optimiser",
    "projection",
    "trained_encoder",
    "two_views",
    "uniformity",
]
