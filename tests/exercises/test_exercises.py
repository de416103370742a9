"""The contract of an exercise: right, wrong with a reason and a hint, or not answered yet."""

import re

import pytest

from cnn_course import bundled, exercises

LESSONS = sorted(path.name[:2] for path in bundled.folder("notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture
def doubling(monkeypatch):
    monkeypatch.setattr(exercises, "_exercises", dict(exercises._exercises))

    @exercises.exercise("99.9", hint="Add it to itself.", solution="answer = lambda x: x + x")
    def double(answer):
        """Write a function
        that doubles its argument."""
        if answer(3) != 6:
            raise exercises.Wrong(f"For 3 it gives {answer(3)}, not 6.")

    return "99.9"


def test_a_right_answer(doubling, capsys):
    exercises.check(doubling, lambda x: 2 * x)
    assert capsys.readouterr().out == "Exercise 99.9: right.\n"


def test_a_wrong_answer_says_what_is_wrong_and_gives_the_hint(doubling, capsys):
    exercises.check(doubling, lambda x: x * x)
    assert capsys.readouterr().out == "Exercise 99.9: not yet. For 3 it gives 9, not 6.\nHint: Add it to itself.\n"


@pytest.mark.parametrize("number", ["00.2", "02.2", "03.2", "03.3", "04.2", "04.3"])
def test_what_is_no_function_is_told_so(number):
    right, message = exercises.verdict(number, 5)
    assert right is False
    assert "should be the function itself, such as answer = my_function, and it is of type int" in message


def test_long_hints_are_wrapped_between_words(capsys):
    exercises.hint("03.2")
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 90
    assert " ".join(printed.split()) == " ".join(exercises.find("03.2").hint.split())


@pytest.mark.parametrize("answer", [..., None])
def test_left_unanswered_it_says_so(doubling, answer):
    right, message = exercises.verdict(doubling, answer)
    assert right is None
    assert "not answered yet" in message


def test_an_answer_that_raises_does_not_stop_the_notebook(doubling):
    right, message = exercises.verdict(doubling, lambda x: x / 0)
    assert right is False
    assert "ZeroDivisionError" in message


def test_the_question_is_the_docstring_on_one_line(doubling):
    assert exercises.find(doubling).question == "Write a function that doubles its argument."


@pytest.mark.parametrize("number", ["99.1", "00.7", "nonsense"])
def test_an_unknown_exercise_is_named(number):
    with pytest.raises(KeyError, match=f"no exercise '{re.escape(number)}'"):
        exercises.find(number)


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_has_three_exercises_whose_solutions_are_right(lesson):
    for k in (1, 2, 3):
        task = exercises.find(f"{lesson}.{k}")
        assert task.question
        assert task.hint
        names = {}
        exec(task.solution, names)  # the solution is ours, and it must run as it is shown
        assert exercises.verdict(task.number, names["answer"]) == (True, f"Exercise {task.number}: right.")
