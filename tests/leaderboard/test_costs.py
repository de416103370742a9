"""A cost that is measured on a small network."""

import numpy as np

from cnn_course import leaderboard, models


def test_a_cost_has_all_parts_and_views_count():
    model = models.student((32, 32, 3))
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    one = leaderboard.measured(model, images[:1], images, repeats=3)
    assert one.parameters == model.count_params()
    assert one.flops == models.count_flops(model)
    assert one.bytes["float32"] > 4 * one.parameters * 0.9 > 2 * one.bytes["int8"]
    assert set(one.milliseconds) == {"model.predict", "Keras, one graph", "LiteRT float32", "LiteRT int8"}
    assert all(0 < median <= late for median, late in one.milliseconds.values())
    assert leaderboard.measured(model, images[:2], images, repeats=3).flops == 2 * one.flops


def test_a_yardstick_times_two_fixed_networks_of_which_predict_is_slower():
    found = leaderboard.yardstick(repeats=5)
    assert set(found) == set(leaderboard.YARDSTICKS)
    nothing, student = (found[name] for name in leaderboard.YARDSTICKS)
    assert nothing > student > 0
