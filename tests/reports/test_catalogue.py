"""The catalogue: which lessons there are, how they are named, which parameters they take."""

import pytest
from notebook_files import write_lesson

from cnn_course.reports import catalogue
from cnn_course.reports.errors import ReportError


@pytest.fixture
def known(tmp_path):
    write_lesson(tmp_path, "00_start", text="You **learn** to `start`. More text.")
    write_lesson(tmp_path, "02_mnist")
    return catalogue.lessons(tmp_path)


def test_a_lesson_shows_its_title_and_its_first_sentence(known):
    assert known[0].title == "Title of 00_start"
    assert known[0].sentence == "You learn to start."


@pytest.mark.parametrize("word", ["2", "02", "02_mnist", "02_mnist.ipynb"])
def test_a_lesson_is_found_by_number_or_name(known, word):
    assert [lesson.name for lesson in catalogue.choose([word], known)] == ["02_mnist"]


def test_nothing_named_means_all_and_twice_named_means_once(known):
    assert catalogue.choose([], known) == known
    assert catalogue.choose(["2", "02", "0"], known) == known


def test_an_unknown_lesson_is_refused_with_the_known_ones(known):
    with pytest.raises(ReportError, match=r"no lesson '02_mnits'. Did you mean 02_mnist\? .* 00_start, 02_mnist"):
        catalogue.choose(["02_mnits"], known)


def test_a_folder_without_lessons_and_a_broken_file_are_named(tmp_path):
    with pytest.raises(ReportError, match="no lessons"):
        catalogue.lessons(tmp_path)
    (tmp_path / "01_broken.ipynb").write_text('{"cells": [')
    with pytest.raises(ReportError, match=r"01_broken\.ipynb cannot be read as a notebook"):
        _ = catalogue.lessons(tmp_path)[0].title


def test_a_misspelt_parameter_is_refused_with_the_nearest_and_all_known_ones(known):
    catalogue.refuse_unknown(["epochs", "seed"], known[0])
    message = r"Lesson 00_start has no parameter 'epoch'. Did you mean 'epochs'\? .* profile, epochs, seed"
    with pytest.raises(ReportError, match=message):
        catalogue.refuse_unknown(["epoch"], known[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("3", 3), ("1e-3", 0.001), (".5", 0.5), ("-2", -2), ("true", True), ("False", False), ("none", None)],
        *[("[1, 2]", [1, 2]), ("mnist5k", "mnist5k"), ("'5'", "5"), ('"5"', "5"), ("", ""), ("a b", "a b")],
    ],
)
def test_a_typed_value_is_read_as_a_literal(text, value):
    read = catalogue.literal(text)
    assert read == value
    assert type(read) is type(value)


def test_parameters_are_written_as_they_can_be_typed_again():
    given = {"epochs": 3, "dataset": "my set", "mirror": True, "label": "5"}
    assert catalogue.as_arguments(given) == "-p epochs 3 -p dataset 'my set' -p mirror true -p label '\"5\"'"
