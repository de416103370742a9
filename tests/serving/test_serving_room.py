"""A server takes on as much as it has room for, and no more."""

import contextlib

import pytest

from cnn_course.serving import Limits, RequestError
from cnn_course.serving.room import Room


def test_too_many_waiting_requests_are_refused():
    room, found = Room(Limits(waiting=2)), []
    with contextlib.ExitStack() as under_way:
        for _ in range(3):
            try:
                found.append(under_way.enter_context(room.place()))
            except RequestError as error:
                found.append(error)
    assert [isinstance(each, RequestError) for each in found] == [False, False, True]
    assert found[2].status == 503
    assert (room.requests, room.bytes) == (0, 0)


def test_a_long_body_finds_room_alone_and_none_beside_another():
    room = Room(Limits(waiting_bytes=100))
    with room.place() as take:
        take(150)
        with room.place() as take_more, pytest.raises(RequestError) as refused:
            take_more(1)
        assert refused.value.status == 503
    assert (room.requests, room.bytes) == (0, 0)
