"""Every figure of the course: functions that take arrays and return a figure with alternative text.

A :class:`Figure` that ends a notebook cell is shown at twice the screen's resolution, with the alternative text stored
in the output's metadata, where the HTML reports find it, and the course's extension of JupyterLab (labextension/).
:class:`KernelEditor` is a figure that can be changed, where the notebook runs.
"""

from cnn_course.plots.charts import (
    accuracy_under_shift,
    bars,
    functions_with_derivatives,
    learning_curves,
    lines,
    number_line,
    points_by_class,
    told,
)
from cnn_course.plots.comparisons import (
    accuracy_over_time,
    dots_by_row,
    gains,
    ladder,
    reliability_diagrams,
    seed_dots,
    trade_off,
)
from cnn_course.plots.convolutions import filter_responses, number_grids, receptive_fields, sliding_kernel, window_steps
from cnn_course.plots.kernel_editor import KernelEditor
from cnn_course.plots.pictures import (
    confusion_matrix,
    heat_map,
    image_grid,
    overlays,
    prediction,
    recognised,
    soft_targets,
    value_table,
)
from cnn_course.plots.style import COLOURS, DOTS_PER_INCH, MARKERS, SCREEN_DOTS_PER_INCH, STYLE, Figure, new_figure

__all__ = [
    "COLOURS",
    "DOTS_PER_INCH",
    "MARKERS",
    "SCREEN_DOTS_PER_INCH",
    "STYLE",
    "Figure",
    "KernelEditor",
    "accuracy_over_time",
    "accuracy_under_shift",
    "bars",
    "confusion_matrix",
    "dots_by_row",
    "filter_responses",
    "functions_with_derivatives",
    "gains",
    "heat_map",
    "image_grid",
    "ladder",
    "learning_curves",
    "lines",
    "new_figure",
    "number_grids",
    "number_line",
    "overlays",
    "points_by_class",
    "prediction",
    "receptive_fields",
    "recognised",
    "reliability_diagrams",
    "seed_dots",
    "sliding_kernel",
    "soft_targets",
    "told",
    "trade_off",
    "value_table",
    "window_steps",
]
