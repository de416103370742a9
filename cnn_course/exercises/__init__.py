"""Exercises: ``check`` an answer, ask for a ``hint``, look at the ``solution``.

The checkers of a lesson live in the module of that lesson, ``cnn_course.exercises.lesson_01`` and so on. A checker is
a function that takes the learner's answer and returns nothing when it is right, or raises :class:`Wrong` with one
sentence that says what is wrong with it.
"""

import importlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnn_course.exercises import progress


class Wrong(Exception):
    """Raised by a checker; its message says what is wrong with the answer."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: the question in a line, its checker, a hint, and a solution that assigns ``answer``."""

    number: str
    question: str
    judge: Callable[[Any], None]
    hint: str
    solution: str


_exercises: dict[str, Exercise] = {}


def exercise(number: str, *, hint: str, solution: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Register the decorated checker as exercise ``number`` ("04.2"); its docstring is the question.

    ``solution`` is Python source that assigns the answer to the name ``answer``.
    """

    def register(judge: Callable[[Any], None]) -> Callable[[Any], None]:
        question = " ".join((judge.__doc__ or "").split())
        _exercises[number] = Exercise(number, question, judge, hint, solution.strip("\n"))
        return judge

    return register


def find(number: str) -> Exercise:
    """Return the exercise with this number; a ``KeyError`` names the exercises of its lesson."""
    lesson = str(number).partition(".")[0]
    name = f"{__name__}.lesson_{lesson}"
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    if number not in _exercises:
        known = sorted(key for key in _exercises if key.startswith(f"{lesson}."))
        raise KeyError(f"There is no exercise {number!r}; lesson {lesson} has {', '.join(known) or 'none'}.")
    return _exercises[number]


def is_unanswered(answer: Any) -> bool:
    """Return whether the answer is still the placeholder ``...`` (or ``None``)."""
    return answer is ... or answer is None


def verdict(number: str, answer: Any) -> tuple[bool | None, str]:
    """Judge ``answer`` and return (right, message); ``right`` is ``None`` while the exercise is unanswered."""
    task = find(number)
    if is_unanswered(answer):
        return None, f'Exercise {number} is not answered yet. hint("{number}") helps.'
    try:
        _require_function(task, answer)
        task.judge(answer)
    except Wrong as reason:
        return False, f"Exercise {number}: not yet. {reason}\nHint: {task.hint}"
    except Exception as error:  # the learner's own code ran inside the checker: report, do not stop the notebook
        return False, f"Exercise {number}: your answer raised {type(error).__name__}: {error}\nHint: {task.hint}"
    return True, f"Exercise {number}: right."


def _require_function(task: Exercise, answer: Any) -> None:
    """Raise :class:`Wrong` where the checker is for a function and the answer is none."""
    wanted = next(iter(inspect.signature(task.judge).parameters.values())).annotation
    if wanted is Callable and not callable(answer):
        raise Wrong(
            f"The answer should be the function itself, such as answer = my_function, and it is of type "
            f"{type(answer).__name__}."
        )


def check(number: str, answer: Any) -> None:
    """Print whether ``answer`` solves exercise ``number``, and if not, what is wrong and a hint.

    A right answer is recorded; see :mod:`cnn_course.exercises.progress`.
    """
    right, message = verdict(number, answer)
    print(_wrapped(message))
    if right:
        try:
            progress.record(number)
        except progress.ProgressError as error:  # the answer is right all the same, and the notebook goes on
            print(_wrapped(f"It is not recorded. {error}"))


def hint(number: str) -> None:
    """Print the hint of exercise ``number``."""
    print(_wrapped(find(number).hint))


def _wrapped(text: str) -> str:
    """Return ``text`` in lines that a notebook's output does not break inside a word."""
    return "\n".join(textwrap.fill(line, 90, break_long_words=False) for line in text.splitlines())


def solution(number: str) -> None:
    """Print a solution of exercise ``number``: Python code that assigns the answer to ``answer``."""
    print(find(number).solution)
