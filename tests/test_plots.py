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


def test_a_legend_outside_belongs_to_the_figure():
    texts = {"xlabel": "x", "ylabel": "y", "title": "t", "alt": "a", "legend": "outside right center"}
    figure = plots.lines([0, 1], {"a": [1, 2], "b": [2, 1]}, **texts)
    assert figure.axes[0].get_legend() is None
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_marks_stand_at_their_places_under_their_names():
    texts = {"xlabel": "x", "ylabel": "y", "title": "t", "alt": "a"}
    axis = plots.lines([1, 10, 100], {"a": [1, 2, 3]}, marks={"here": 20.0}, xscale="log", **texts).axes[0]
    assert [list(line.get_xdata()) for line in axis.lines[1:]] == [[20.0, 20.0]]
    assert [(text.get_text(), text.xy[0]) for text in axis.texts] == [("here", 20.0)]


def test_the_name_of_a_mark_keeps_clear_of_a_line_beside_it():
    texts = {"xlabel": "x", "ylabel": "y", "title": "t", "alt": "a"}
    figure = plots.lines([0, 20], {"a": [1, 2]}, marks={"c": 8.0, "a": 5.0, "b": 7.5}, **texts)
    figure.canvas.draw()
    axis = figure.axes[0]
    names = {text.get_text(): text.get_window_extent() for text in axis.texts}
    assert sorted(names) == ["a", "b", "c"]
    for place in (5.0, 7.5, 8.0):
        line = axis.transData.transform((place, 0))[0]
        assert not any(box.x0 < line < box.x1 for box in names.values())
    assert not names["b"].overlaps(names["c"])


def test_given_ticks_of_a_logarithmic_axis_are_the_only_ones():
    texts = {"xlabel": "x", "ylabel": "y", "title": "t", "alt": "a"}
    axis = plots.lines([2, 8, 32], {"a": [1, 2, 3]}, xscale="log", xticks=[2, 8, 32], **texts).axes[0]
    assert (axis.get_xticks().tolist(), axis.get_xticks(minor=True).tolist()) == ([2, 8, 32], [])
    assert len(plots.lines([2, 8, 32], {"a": [1, 2, 3]}, xscale="log", **texts).axes[0].get_xticks(minor=True)) > 3


def test_faint_lines_are_grey_and_without_a_name():
    texts = {"xlabel": "x", "ylabel": "y", "title": "t", "alt": "a"}
    axis = plots.lines([1, 2], {"kept": [1, 2], "left": [2, 1], "dropped": [1]}, faint=["dropped"], **texts).axes[0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["kept", "left"]
    assert [line.get_color() for line in axis.lines] == [*plots.COLOURS[:2], "#A6A6A6"]


def test_whole_numbers_have_ticks_at_whole_numbers():
    keywords = {"xlabel": "epoch", "ylabel": "loss", "title": "Loss", "alt": "One."}
    axis = plots.lines(range(1, 5), {"plain": [4, 3, 2, 1]}, **keywords).axes[0]
    assert all(tick == round(tick) for tick in axis.get_xticks())
    logarithmic = plots.lines([1, 10, 100], {"plain": [3, 2, 1]}, xscale="log", **keywords).axes[0]
    assert {1, 10, 100} <= set(logarithmic.get_xticks())


def test_the_band_is_the_spread():
    figure = plots.lines(
        [0, 1], {"a": [1.0, 2.0]}, spread={"a": [0.25, 0.5]}, xlabel="x", ylabel="y", title="t", alt="a"
    )
    low, high = figure.axes[0].collections[0].get_paths()[0].get_extents().get_points()[:, 1]
    assert (low, high) == (0.75, 2.5)


def test_the_number_of_a_bar_stands_beyond_its_end_on_either_side():
    texts = plots.bars({"up": 1.0, "down": -1.0}, spread={"down": 0.5}, xlabel="x", title="t", alt="a").axes[0].texts
    assert [(text.xy[0], text.get_ha()) for text in texts] == [(1.0, "left"), (-1.5, "right")]


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


def test_a_grey_figure_is_stored_in_one_channel_and_a_coloured_one_without_opacity():
    grey = plots.image_grid(np.eye(8)[None], alt="A diagonal.")
    assert shown(grey)[0].mode == "L"
    assert shown(drawn_lines())[0].mode == "RGB"


def numbers(axis):
    return [text.get_text() for text in axis.texts]


def test_a_sliding_kernel_shows_the_output_up_to_its_position():
    output = np.array([[4.0, 8.0], [3.0, 7.0]])
    figure = plots.sliding_kernel(np.zeros((3, 3)), np.ones((2, 2)), output, [(0, 1), (1, 0)])
    kernel, _, _, empty, first, second = figure.axes
    assert numbers(kernel) == ["1"] * 4
    assert not empty.axison
    assert (numbers(first), numbers(second)) == (["4", "8"], ["4", "8", "3"])
    assert figure.alt.endswith("8 at (0, 1), 3 at (1, 0)")


def test_number_grids_give_each_output_the_tint_of_its_block():
    figure = plots.number_grids({"input": np.arange(16.0).reshape(4, 4), "pooled": np.zeros((2, 2))}, blocks=2)
    source, pooled = ([patch.get_facecolor() for patch in axis.patches] for axis in figure.axes)
    assert [source[k] for k in (0, 1, 4, 5)] == [pooled[0]] * 4
    assert [source[k] for k in (0, 2, 8, 10)] == pooled
    assert len(set(pooled)) == 4


def test_window_steps_show_padding_grey_and_the_windows_apart_by_the_stride():
    walk = {"size": 4, "kernel": 2, "stride": 2, "dilation": 1, "before": 1, "after": 0}
    axis = plots.window_steps({"stride 2": walk}).axes[0]
    grey = [patch.get_xy() for patch in axis.patches if patch.get_facecolor() != (1, 1, 1, 1)]
    assert len(grey) == 5 + 4
    first, second = (dots.get_offsets() for dots in axis.collections)
    assert (second - first).tolist() == [[2, 0]] * 4


def test_window_steps_give_a_pixel_the_same_size_in_every_panel():
    walk = {"size": 6, "kernel": 3, "stride": 1, "dilation": 1, "before": 0, "after": 0}
    figure = plots.window_steps({"none": walk, "same": walk | {"before": 1, "after": 1}})
    figure.draw_without_rendering()
    sides = [np.diff(axis.transData.transform([(0, 0), (1, 0)])[:, 0]).item() for axis in figure.axes]
    assert sides[0] == pytest.approx(sides[1], rel=0.02)


def test_a_signed_response_has_zero_in_the_middle_and_another_is_shown_as_brightness():
    filters = {"edge": (np.array([[-1.0, 1.0]]), np.eye(4)), "blur": (np.full((1, 2), 0.5), np.eye(4))}
    _, edge, blur, *_ = plots.filter_responses(np.eye(4), filters | {"strength": (None, np.eye(4))}).axes
    low, high = edge.images[0].get_clim()
    assert low == -high
    assert blur.images[0].get_clim() == (0, 1)


def test_the_box_of_a_receptive_field_is_drawn_where_it_was_computed():
    figure = plots.receptive_fields({"a": np.eye(5)}, [(range(1, 4), range(2))], bar_label="gradient")
    box = figure.axes[0].patches[0]
    assert (box.get_xy(), box.get_width(), box.get_height()) == ((-0.5, 0.5), 2, 3)
    assert "3 by 2 pixels for a" in figure.alt
    assert figure.axes[0].get_ylim() == (3 + 3.5, 1 - 3.5)


def test_soft_targets_have_a_row_for_each_image_and_a_column_for_each_temperature():
    first, second = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]), np.full((2, 3), 1 / 3)
    names = ["cat", "dog", "frog"]
    figure = plots.soft_targets(
        np.zeros((2, 8, 8, 3), np.uint8), {"T = 1": first, "T = 9": second}, names, labels=[0, 1]
    )
    assert len(figure.axes) == 6
    top, _, bottom, _ = (figure.axes[k] for k in (1, 2, 4, 5))
    assert [bar.get_width() for bar in bottom.patches] == [0.1, 0.3, 0.6]
    assert [label.get_text() for label in top.get_yticklabels()] == names
    colours = [bar.get_facecolor() for bar in bottom.patches]
    assert colours[0] == colours[2] != colours[1]
    assert "image 1 of class dog: T = 1 frog 0.60 then dog 0.30" in figure.alt


def test_a_prediction_shows_a_bar_for_each_class_and_the_label_s_own_stands_out():
    image, names = np.zeros((8, 8, 1), np.uint8), ["cat", "dog", "frog"]
    figure = plots.prediction(image, np.array([0.125, 0.625, 0.25]), names, truth=2)
    left, right = figure.axes
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("label: frog", "the network says: dog")
    assert [bar.get_width() for bar in right.patches] == [0.125, 0.625, 0.25]
    assert [label.get_text() for label in right.get_yticklabels()] == names
    colours = [bar.get_facecolor() for bar in right.patches]
    assert colours[0] == colours[1] != colours[2]
    assert figure.alt.endswith("of class frog, and the probability of each class; dog is the largest with 62.5%.")


def test_what_was_recognised_stands_under_its_photo_with_its_probability():
    photos, names = np.zeros((2, 8, 8, 3)), [["cat", "dog"], ["cup", "plate"]]
    figure = plots.recognised(photos, names, np.array([[0.75, 0.25], [0.5, 0.125]]))
    under = figure.axes[2:]
    assert [numbers(axis) for axis in under] == [["cat 75%", "dog 25%"], ["cup 50%", "plate 12%"]]
    assert [[bar.get_width() for bar in axis.patches] for axis in under] == [[0.75, 0.25], [0.5, 0.125]]
    assert figure.alt == "2 photos, each above its best classes; the best one of each: cat 75%, cup 50%."


def test_a_signed_heat_map_has_zero_in_the_middle():
    texts = {"xlabel": "x", "ylabel": "y", "title": "t", "bar_label": "weight", "alt": "a"}
    low, high = plots.heat_map(np.array([[1.0, -3.0]]), signed=True, **texts).axes[0].images[0].get_clim()
    assert (low, high) == (-3, 3)


def test_a_heat_map_may_name_its_rows_and_columns_and_leave_cells_empty():
    texts = {"xlabel": "x", "ylabel": "y", "title": "t", "bar_label": "share", "alt": "a"}
    axis = plots.heat_map(np.array([[np.nan, 3.0], [1.0, np.nan]]), names=["cat", "dog"], **texts).axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["cat", "dog"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["cat", "dog"]
    assert axis.images[0].get_clim() == (1, 3)


def test_the_confusion_matrix_shows_rows_in_per_cent_and_names_the_worst_mistake():
    counts = np.array([[8, 2, 0], [0, 10, 0], [1, 0, 3]])
    figure = plots.confusion_matrix(counts, ["cat", "dog", "frog"])
    axis = figure.axes[0]
    assert sorted(text.get_text() for text in axis.texts) == ["100", "20", "25", "75", "80"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["cat", "dog", "frog"]
    assert figure.alt.endswith("frog taken for cat, 25 %.")
    assert "87.5% on the diagonal" in figure.alt


def test_learning_curves_end_where_the_history_ends():
    history = {"loss": [2.0, 1.0], "accuracy": [0.25, 0.5], "val_loss": [3.0, 2.0], "val_accuracy": [0.2, 0.4]}
    figure = plots.learning_curves(history)
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[0.25, 0.5], [0.2, 0.4]]
    assert figure.alt == "Accuracy by epoch; at the end training 0.500, validation 0.400."
    assert len(plots.learning_curves({"loss": [1.0]}, metric="loss").axes[0].lines) == 1


def test_gains_are_paired_by_seed():
    measured = {"none": np.array([1.0, 3.0]), "more": np.array([2.0, 4.0]), "less": np.array([0.0, 3.0])}
    figure = plots.gains(measured, baseline="none", unit="points", title="t")
    assert figure.alt == "Gain over none in points: more +1.0, less -0.5."
    lengths = [bar.get_width() for bar in figure.axes[0].patches]
    assert lengths == pytest.approx([1.0, -0.5])
    more, less = figure.axes[0].collections[0].get_segments()
    assert np.ptp(more[:, 0]) == 0  # each seed gained the same
    assert np.ptp(less[:, 0]) == pytest.approx(2 * np.std([-1, 0], ddof=1))


def test_a_ladder_shows_mean_and_spread_of_accuracy_and_time_for_each_step():
    accuracy = {"first": np.array([80.0, 82.0]), "second": np.array([90.0, 90.0])}
    seconds = {"first": np.array([100.0, 120.0]), "second": np.array([50.0, 50.0])}
    drawn = plots.ladder(accuracy, seconds, title="t")
    left, right = drawn.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["first", "second"]
    assert left.yaxis_inverted()
    assert [list(axis.lines[0].get_xdata()) for axis in (left, right)] == [[81, 90], [110, 50]]
    (whisker, none) = left.collections[0].get_segments()
    assert np.ptp(whisker[:, 0]) == pytest.approx(2 * np.std([80, 82], ddof=1))
    assert np.ptp(none[:, 0]) == 0
    assert drawn.alt == (
        "Test accuracy in percent by step: first 81.0, second 90.0. Seconds of training: first 110, second 50."
    )


def test_a_number_line_tells_the_numbers_with_all_digits_from_those_below():
    ranges = {"wide": (2.0**-20, 2.0**-10, 2.0**30), "narrow": (2.0**-6, 2.0**-4, 2.0**5)}
    drawn = plots.number_line(ranges, title="t", alt="Two.")
    axis = drawn.axes[0]
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axis.patches]
    assert spans == [(-10, 30), (-20, -10), (-4, 5), (-6, -4)]
    assert axis.patches[0].get_facecolor() != axis.patches[1].get_facecolor()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["wide", "narrow"]
    assert [text.get_text() for text in axis.texts[3:]] == ["0.0156", "0.0625", "32"]
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["all digits", "fewer digits"]


def test_functions_and_their_derivatives_are_drawn_in_one_panel_each():
    x = np.linspace(-1, 1, 5)
    drawn = plots.functions_with_derivatives(x, {"square": (x**2, 2 * x), "line": (x, x**0)}, xlabel="x", alt="Two.")
    assert [axis.get_title() for axis in drawn.axes] == ["square", "line"]
    values, derivative = drawn.axes[0].lines
    np.testing.assert_array_equal(values.get_ydata(), x**2)
    np.testing.assert_array_equal(derivative.get_ydata(), 2 * x)
    assert values.get_linestyle() != derivative.get_linestyle()
    assert drawn.axes[0].get_ylabel() == "value and derivative"
    assert drawn.axes[0].get_ylim() != drawn.axes[1].get_ylim()
    shared = plots.functions_with_derivatives(x, {"a": (x, x), "b": (9 * x, x)}, xlabel="x", alt="Two.", sharey=True)
    assert shared.axes[0].get_ylim() == shared.axes[1].get_ylim()


def test_seed_dots_show_each_seed_and_their_mean():
    axis = plots.seed_dots({"first": [1.0, 3.0], "second": [5.0]}, xlabel="error (%)", title="t", alt="a").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["first", "second"]
    assert axis.yaxis_inverted()
    dots, mean = axis.lines[:2]
    assert list(dots.get_xdata()) == [1.0, 3.0]
    assert list(mean.get_xdata()) == [2.0, 2.0]
    assert [text.get_text() for text in axis.texts] == ["2.00", "5.00"]


def test_points_by_class_are_told_apart_by_colour_or_shape_and_named_once():
    planes = {"before": np.arange(40.0).reshape(20, 2), "after": -np.arange(40.0).reshape(20, 2)}
    names = [f"class {k}" for k in range(10)]
    figure = plots.points_by_class(planes, np.arange(20) % 10, names, alt="Two planes.")
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["before", "after"]
    lines = figure.axes[1].lines
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 10
    np.testing.assert_array_equal(lines[3].get_xydata(), planes["after"][[3, 13]])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names


def test_dots_by_row_lie_in_their_row_and_series_are_told_apart_by_shape_too():
    figure = plots.dots_by_row(["cat", "dog"], {"a": [1.0, -1.0], "b": [1.0, 0.0]}, xlabel="x", title="t", alt="Two.")
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["cat", "dog"]
    assert axis.yaxis_inverted()
    zero, first, second = axis.lines
    assert list(zero.get_xdata()) == [0, 0]
    assert list(first.get_xdata()) == [1.0, -1.0]
    assert np.round(first.get_ydata()).tolist() == np.round(second.get_ydata()).tolist() == [0, 1]
    assert np.all(first.get_ydata() != second.get_ydata())
    assert first.get_marker() != second.get_marker()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_accuracy_under_shift_has_an_example_over_each_shift():
    drawn = plots.accuracy_under_shift(
        range(3), {"MLP": [0.9, 0.5, 0.2], "CNN": [0.9, 0.9, 0.8]}, np.zeros((3, 4, 4)), title="t", alt="a"
    )
    top, axis = drawn.axes
    assert [np.mean(image.get_extent()[:2]) for image in top.images] == [0, 1, 2]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["MLP", "CNN"]
    assert "pixels" in axis.get_xlabel()


def test_accuracy_over_time_draws_each_contender_over_its_own_seconds():
    courses = {"quick": ([10.0, 20.0], [70.0, 80.0]), "slow": ([100.0, 200.0, 300.0], [40.0, 60.0, 55.0])}
    drawn = plots.accuracy_over_time(courses, levels=(70, 90), title="t")
    axis = drawn.axes[0]
    levels, contenders = axis.lines[:2], axis.lines[2:]
    assert [line.get_ydata()[0] for line in levels] == [70, 90]
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in contenders] == list(courses.values())
    assert axis.get_xscale() == "log"
    assert drawn.alt == "Test accuracy over time. Best, in percent: quick 80.0, slow 60.0. Seconds: quick 20, slow 300."


def test_reliability_diagrams_show_accuracy_confidence_and_counts_of_each_bin():
    edges = np.linspace(0, 1, 3)
    bins = (np.array([1, 3]), np.array([0.4, 0.9]), np.array([0.5, 0.75]))
    drawn = plots.reliability_diagrams({"before": bins, "after": bins}, edges=edges, title="t", alt="Two panels.")
    upper, _, lower, _ = drawn.axes
    assert [bar.get_height() for bar in upper.patches] == [0.5, 0.75]
    assert list(upper.lines[0].get_ydata()) == [0.4, 0.9]
    assert [bar.get_height() for bar in lower.patches] == [0.25, 0.75]
    assert [axis.get_title(loc="center") for axis in drawn.axes[:2]] == ["before", "after"]


def test_overlays_show_each_map_in_its_own_range_below_its_image():
    images = np.full((2, 8, 8, 3), 200, np.uint8)
    maps = np.zeros((2, 8, 8))
    maps[0, 2, 3] = 5.0
    masks = np.zeros((2, 8, 8), bool)
    masks[:, 2:5, 2:5] = True
    figure = plots.overlays(images, {"a": maps, "b": maps}, titles=["x", "y"], masks=masks, alt="Maps.")
    *cells, bar = figure.axes
    assert len(cells) == 6
    assert [len(axis.images) for axis in cells] == [1, 1, 2, 2, 2, 2]
    shown = cells[2].images[1]
    assert (shown.get_clim(), shown.get_array().max(), shown.get_cmap().name) == ((0, 1), 1, "viridis")
    assert cells[3].images[1].get_array().max() == 0  # an empty map stays empty
    assert [axis.get_ylabel() for axis in cells[::2]] == ["image", "a", "b"]
    assert len(cells[2].collections) == 1
    assert bar.get_ylabel() == "share of the map's\nlargest value"


def test_overlays_of_large_images_draw_means_of_squares_and_make_small_files():
    random = np.random.default_rng(0)
    images, maps = random.integers(0, 256, (1, 224, 224, 3), np.uint8), random.random((1, 224, 224))
    figure = plots.overlays(images, {"a": maps}, masks=maps > 0.5, alt="Maps.")
    drawn, _, shown = (picture.get_array() for axis in figure.axes[:2] for picture in axis.images)
    squares = maps[0, :222, :222].reshape(74, 3, 74, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(shown, squares / squares.max(), atol=0.0201)  # drawn in steps of 0.04
    np.testing.assert_allclose(drawn[3, 5], images[0, 9:12, 15:18].mean(axis=(0, 1)) / 255, rtol=1e-5)
    crossed = plots.overlays(images, {"a": maps}, crosses=np.array([[10, 16]]), alt="Maps.")  # square 3, 5
    assert [axis.lines[0].get_xydata().tolist() for axis in crossed.axes[:2] if axis.lines] == [[[5.0, 3.0]]]
    small = plots.overlays(images[:, :32, :32], {"a": maps[:, :32, :32]}, alt="Maps.")
    assert small.axes[0].images[0].get_array().shape == (32, 32, 3)
    assert all(picture.get_interpolation() == "nearest" for axis in small.axes[:2] for picture in axis.images)


def test_trade_off_joins_the_front_in_the_order_of_cost_and_names_each_dot_beside():
    costs = {"large": 100.0, "small": 1.0, "beaten": 50.0}
    values = {"large": 90.0, "small": 60.0, "beaten": 50.0}
    look = {"xlabel": "weights", "ylabel": "accuracy (%)", "title": "t"}
    figure = plots.trade_off(
        costs, values, front=["large", "small"], spread={"small": 3.0}, claims={"said": (10.0, 80.0)}, **look
    )
    axis = figure.axes[0]
    assert [list(xy) for xy in axis.lines[0].get_xydata()] == [[1.0, 60.0], [100.0, 90.0]]
    assert axis.lines[0].get_drawstyle() == "steps-post"
    bars = [bar.get_segments()[0].tolist() for bar in axis.collections]
    assert bars == [[[1.0, 57.0], [1.0, 63.0]]]
    assert [text.get_text() for text in axis.texts] == ["A", "1", "2", "3", "1  large\n2  small\n3  beaten\nA  said"]
    assert axis.get_xscale() == "log"
    assert figure.alt == "accuracy (%) over weights; no other beats small (60.0), large (90.0)."


def test_trade_off_writes_the_numbers_of_dots_that_cover_each_other_once():
    costs = {"best": 100.0, "near": 300.0, "nearer": 301.0, "apart": 1000.0}
    values = {"best": 90.0, "near": 50.0, "nearer": 49.9, "apart": 49.9}
    figure = plots.trade_off(costs, values, front=["best"], xlabel="weights", ylabel="accuracy (%)", title="t")
    numbers = {text.get_text(): text.xy for text in figure.axes[0].texts[:-1]}
    assert numbers == {"1": (100.0, 90.0), "2, 3": (301.0, 49.9), "4": (1000.0, 49.9)}


def test_a_value_table_names_rows_and_columns_and_writes_each_number_where_it_can_be_read():
    drawn = plots.value_table(
        np.array([[0.0, 10.0], [4.0, 6.0]]),
        rows=["a", "b"],
        columns=["c", "d"],
        xlabel="x",
        ylabel="y",
        title="t",
        bar_label="points",
        alt="Four numbers.",
    )
    axis = drawn.axes[0]
    assert [text.get_text() for text in axis.texts] == ["0", "10", "4", "6"]
    assert [text.get_color() for text in axis.texts] == ["white", "black", "white", "black"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["c", "d"]
    assert drawn.alt == "Four numbers."
