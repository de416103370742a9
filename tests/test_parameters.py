"""Parameters: the profile decides, what is given wins, and nonsense is refused with the remedy."""

import pytest

from cnn_course import parameters
from cnn_course.parameters import ParameterError

QUICK = {"dataset": "mnist5k", "epochs": 2, "rate": 0.1, "mirror": True, "optimizer": "sgd"}
FULL = {"dataset": "mnist", "epochs": 20, "rate": 0.1, "mirror": True, "optimizer": "sgd"}
CHOICES = {"optimizer": ("sgd", "adam")}


@pytest.fixture(autouse=True)
def no_profile_from_outside(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_PROFILE", raising=False)


def settle(**names):
    return parameters.settle({"profile": "quick", "seed": 0} | names, quick=QUICK, full=FULL, choices=CHOICES)


def test_the_profile_decides_what_is_not_given():
    settings, given = settle(epochs=None)
    assert (settings.dataset, settings.epochs, settings.seed) == ("mnist5k", 2, 0)
    assert given == ("profile",)
    assert settle(profile="full")[0].epochs == 20


def test_a_given_value_wins_over_the_profile():
    settings, given = settle(epochs=3, seed=7)
    assert (settings.epochs, settings.seed, settings.dataset) == (3, 7, "mnist5k")
    assert given == ("profile", "epochs", "seed")


def test_auto_takes_the_environment_variable(monkeypatch):
    monkeypatch.setenv("CNN_COURSE_PROFILE", "full")
    assert settle(profile="auto")[0].dataset == "mnist"
    monkeypatch.setenv("CNN_COURSE_PROFILE", "fast")
    with pytest.raises(ParameterError, match=r"CNN_COURSE_PROFILE is 'fast'; it can be 'auto', 'quick' or 'full'"):
        settle(profile="auto")


def test_auto_is_full_exactly_where_there_is_a_gpu(monkeypatch):
    for gpu, expected in ((True, "full"), (False, "quick")):
        monkeypatch.setattr(parameters.machine, "has_gpu", lambda gpu=gpu: gpu)
        settings, given = settle(profile="auto")
        assert settings.profile == expected
        assert given == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"profile": "slow"}, "profile' is 'slow'; it can be"),
        ({"epochs": 0}, "epochs is 0; it must be a whole number of at least 1"),
        ({"epochs": -3}, "epochs is -3"),
        ({"epochs": "many"}, "epochs is 'many'"),
        ({"epochs": 2.5}, "epochs is 2.5"),
        ({"epochs": True}, "epochs is True"),
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"seed": 2**32}, "seed is 4294967296; it must be a whole number of at most 4294967295"),
        ({"rate": 0}, "rate is 0; it must be a number above 0"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"rate": "fast"}, "rate is 'fast'"),
        ({"dataset": ""}, "dataset is ''; it must be a text"),
        ({"dataset": 5}, "dataset is 5"),
        ({"mirror": 1}, "mirror is 1; it must be True or False"),
        ({"optimizer": "lion"}, "optimizer is 'lion'; it can be 'sgd', 'adam'"),
    ],
)
def test_nonsense_is_refused_with_what_is_possible(names, message):
    with pytest.raises(ParameterError, match=message.replace(".", r"\.")):
        settle(**names)


def test_a_parameter_that_papermill_injected_and_the_lesson_does_not_have_is_refused():
    injected = "# Parameters\nepoch = 3\nseed = 1\n"
    with pytest.raises(ParameterError, match=r"no parameter 'epoch'. Its parameters are profile, dataset, epochs"):
        settle(_ih=["", "x = 1", injected], epoch=3)


def test_names_of_the_learners_own_are_not_taken_for_parameters():
    assert settle(_ih=["", "epoch = 3"], epoch=3)[0].epochs == 2


def test_profiles_that_set_different_parameters_are_a_mistake_of_the_author():
    with pytest.raises(TypeError, match="same parameters"):
        parameters.settle({}, quick={"epochs": 1}, full={"steps": 1}, choices={})
