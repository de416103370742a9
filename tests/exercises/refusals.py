"""What a checker says of a wrong answer, for the tests of the exercises."""

from cnn_course.exercises import verdict


def refused(number, answer):
    """Return what the learner reads of ``answer``, which must be judged wrong."""
    right, message = verdict(number, answer)
    assert right is False, message
    return message
