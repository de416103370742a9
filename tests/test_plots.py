"""Figures carry their alternative text, their size and what they were given."""

import io

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

from cnn_course import plots


def shown(figure):
    data, metadata = figure._repr_mimebundle_()
    return Image.open(io.BytesIO(data["image/png"])), metadata["image/png"], data["text/plain"]


def drawn_lines():
    return plots.lines(
        [1, 2, 3], {"plain": [1, 2, 3], "residual": [1, 1, 1]}, xlabel="epoch", ylabel="loss", title="Loss", alt="Two."
    )


def test_the_output_has_alternative_text_and_half_the_pixels_as_width():
    picture, metadata, text = shown(drawn_lines())
    assert metadata["alt"] == "Two."
    assert metadata["width"] == pytest.approx(picture.width / 2, abs=1)
    assert text == "Figure: Two."


def test_the_same_figure_gives_the_same_bytes():
    first, second = (drawn_lines()._repr_mimebundle_()[0]["image/png"] for _ in range(2))
    assert first == second


def test_figures_are_kept_out_of_pyplot_so_that_a_notebook_shows_them_once():
    before = pyplot.get_fignums()
    drawn_lines()
    assert pyplot.get_fignums() == before


def test_lines_are_labelled_and_told_apart_by_marker_as_well_as_by_colour():
    axis = drawn_lines().axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel(), axis.get_title(loc="left")) == ("epoch", "loss", "Loss")
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["plain", "residual"]
    assert len({line.get_marker() for line in axis.lines}) == len({line.get_color() for line in axis.lines}) == 2


def test_the_band_is_the_spread():
    figure = plots.lines(
        [0, 1], {"a": [1.0, 2.0]}, spread={"a": [0.25, 0.5]}, xlabel="x", ylabel="y", title="t", alt="a"
    )
    low, high = figure.axes[0].collections[0].get_paths()[0].get_extents().get_points()[:, 1]
    assert (low, high) == (0.75, 2.5)


def test_bars_keep_their_order_and_say_their_values():
    axis = plots.bars({"first": 0.5, "second": 0.25}, xlabel="accuracy", title="t", alt="a").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["first", "second"]
    assert axis.yaxis_inverted()
    assert [text.get_text() for text in axis.texts] == ["0.5", "0.25"]


def test_a_grid_shows_each_image_once_and_hides_the_empty_cells():
    images = np.zeros((5, 8, 8, 1), np.uint8)
    figure = plots.image_grid(images, titles=list("abcde"), columns=3, alt="Five squares.")
    assert len(figure.axes) == 6
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 1, 1, 0]
    assert not any(axis.axison for axis in figure.axes)
    assert [axis.get_title() for axis in figure.axes[:5]] == list("abcde")
