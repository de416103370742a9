"""The newest version that can be loaded is served, and an old one stays as long as a request needs it."""

import gc
import weakref

import numpy as np
import pytest

from cnn_course.serving import RequestError, ServingError, Version, Versions, version_folders


def states(versions):
    return {state.number: state.state for state in versions.states()}


def test_only_whole_numbers_are_versions(tmp_path):
    for name in ("2", "10", "x", "3.5", "-1", ".writing.7", "1 ", "²"):
        (tmp_path / name).mkdir()
    (tmp_path / "99").write_text("a file")
    assert list(version_folders(tmp_path)) == [2, 10]
    assert version_folders(tmp_path / "none") == {}


def test_a_new_version_takes_over_and_the_old_one_stays_for_its_requests(half):
    assert half.refresh()
    assert not half.refresh()
    (half.folder / "2").mkdir()
    with half.lease() as old:
        assert half.refresh()
        assert states(half) == {2: "AVAILABLE", 1: "UNLOADING"}
        with half.lease() as new, pytest.raises(RequestError, match=r"Specific\(half, 1\)"), half.lease(1):
            pass
        assert (old.number, new.number) == (1, 2)
        reference = weakref.ref(old)
    assert states(half) == {2: "AVAILABLE", 1: "END"}
    del old
    gc.collect()
    assert reference() is None


def test_a_version_that_is_gone_gives_way_to_the_one_before(half):
    (half.folder / "2").mkdir()
    half.refresh()
    (half.folder / "2").rmdir()
    assert half.refresh()
    assert half.served == 1


def test_a_version_that_comes_back_while_its_former_self_still_answers_is_available(half):
    (half.folder / "2").mkdir()
    half.refresh()
    with half.lease() as former:
        (half.folder / "2").rmdir()
        half.refresh()
        (half.folder / "2").mkdir()
        half.refresh()
        with half.lease() as back:
            assert back is not former
    assert states(half) == {2: "AVAILABLE", 1: "END"}


def test_a_broken_version_is_reported_once_and_tried_again_when_it_was_changed(half):
    half.refresh()
    broken = half.folder / "2" / "broken"
    broken.parent.mkdir()
    broken.touch()
    assert not half.refresh()
    assert half.served == 1
    (state,) = half.states(2)
    assert (state.state, state.error_code, state.error_message) == ("END", "INTERNAL", "Version 2 is broken.")
    broken.unlink()
    assert half.refresh()
    assert half.served == 2


@pytest.mark.parametrize(("number", "which"), [(None, "any versions"), (7, "version 7")])
def test_what_was_never_there_is_not_found(half, number, which):
    with pytest.raises(RequestError, match=f"Could not find {which} of model half"):
        half.states(number)


def test_a_saved_model_computes_its_signatures(exported, images, expected):
    version = Version(exported)
    version.warm_up()
    assert version.signatures["serving_default"].inputs["images"].shape == (None, 8, 6, 3)
    assert version.signatures["files"].inputs["image_bytes"].dtype == "string"
    assert all(signature.takes_batches for signature in version.signatures.values())
    found = version.execute("serving_default", {"images": images})["probabilities"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("content", [b"no image", b"", b"\x89PNG\r\n\x1a\nxxxx", b"\xff\xd8\xff\xe0"])
def test_what_the_model_refuses_is_said_without_its_inside(exported, content):
    with pytest.raises(RequestError, match="The model refuses the input") as refused:
        Version(exported).execute("files", {"image_bytes": np.array([content], object)})
    assert "node" not in refused.value.reason
    assert "\n" not in refused.value.reason


@pytest.mark.parametrize(("error", "broken"), [(RequestError(400, "no zeros"), False), (OSError("no such op"), True)])
def test_a_version_that_cannot_compute_is_not_served_and_one_that_takes_no_zeros_is(
    exported, tmp_path, monkeypatch, error, broken
):
    def execute(self, signature, tensors):
        raise error

    monkeypatch.setattr(Version, "execute", execute)
    versions = Versions(exported.parent)
    assert versions.refresh() is not broken
    state = versions.states(1)[0]
    wanted = ("END", "Version 1 cannot compute serving_default: no such op") if broken else ("AVAILABLE", "")
    assert (state.state, state.error_message) == wanted
    assert versions.refresh() is False


@pytest.mark.parametrize("content", [None, b"", b"half a protocol buffer"])
def test_what_is_no_saved_model_is_refused_without_a_path(tmp_path, content):
    (tmp_path / "3").mkdir()
    if content is not None:
        (tmp_path / "3" / "saved_model.pb").write_bytes(content)
    with pytest.raises(ServingError, match="Version 3 cannot be loaded") as refused:
        Version(tmp_path / "3")
    assert str(tmp_path) not in str(refused.value)
