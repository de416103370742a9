"""The catalogue: which lessons there are, how they are named, which parameters they take."""

import shlex

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


def test_a_notebook_without_a_number_is_found_by_its_name_alone(known, tmp_path):
    write_lesson(tmp_path, "scratch")
    lessons = catalogue.lessons(tmp_path)
    assert [lesson.name for lesson in catalogue.choose(["0"], lessons)] == ["00_start"]
    assert [lesson.name for lesson in catalogue.choose(["scratch"], lessons)] == ["scratch"]
    with pytest.raises(ReportError, match="no lesson ''"):
        catalogue.choose([""], lessons)


def test_a_number_that_several_lessons_have_is_refused_with_their_names(known, tmp_path):
    write_lesson(tmp_path, "02_mnist_mine")
    lessons = catalogue.lessons(tmp_path)
    with pytest.raises(
        ReportError, match=r"Several lessons have the number 2: 02_mnist, 02_mnist_mine\. Give the name"
    ):
        catalogue.choose(["2"], lessons)
    assert [lesson.name for lesson in catalogue.choose(["02_mnist_mine"], lessons)] == ["02_mnist_mine"]


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


@pytest.mark.parametrize(
    "content", ['{"cells": [', "[]", '{"a": 1}', '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}']
)
def test_what_is_no_notebook_is_named_by_whoever_reads_it(tmp_path, content):
    (tmp_path / "01_broken.ipynb").write_text(content)
    lesson = catalogue.Lesson(tmp_path / "01_broken.ipynb")
    for read in (lesson.notebook, lambda: lesson.cells, lambda: catalogue.parameters_of(lesson)):
        with pytest.raises(ReportError, match=r"01_broken\.ipynb cannot be read as a notebook") as caught:
            read()
        assert "\n" not in str(caught.value)


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


@pytest.mark.parametrize("value", ["mnist", "5", "two words", 3, 0.5, True, None, [1, 2], {1, 2}, b"a", 1j])
def test_what_was_typed_is_read_again_as_the_same_value(value):
    _, name, typed = shlex.split(catalogue.as_arguments({"x": value}))
    assert (name, catalogue.literal(typed)) == ("x", value)
