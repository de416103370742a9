"""The variants of the ablation, and that a regularised training repeats."""

import keras
import numpy as np
import pytest

from cnn_course import datasets, training


@pytest.mark.parametrize("name", list(training.ABLATION))
def test_each_variant_differs_from_none_in_its_own_point(name):
    variant, plain = training.ABLATION[name], training.ABLATION["none"]
    changed = [field for field, value in vars(variant).items() if value != vars(plain)[field]]
    expected = {"none": 0, "all together": 5}.get(name, 1)
    assert len(changed) == expected


def test_a_regularised_training_learns_and_repeats_bit_for_bit():
    data = datasets.load("shapes10", size=80)
    variant = training.Regularisation(l2=1e-4, dropout=0.1, batch_norm=True, augmentation=True, label_smoothing=0.1)

    def weights():
        keras.utils.set_random_seed(0)
        model, history = training.train_regularised(
            data, data, variant, epochs=3, batch_size=16, peak_rate=3e-3, widths=(8,), units=16
        )
        return model.get_weights(), history

    (first, history), (second, _) = weights(), weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert history["loss"][-1] < history["loss"][0]
    assert len(history["val_accuracy"]) == 3
