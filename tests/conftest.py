"""Every test, and every notebook that pytest executes, runs on bundled data, in the quick profile, strictly."""

import os
import tempfile

import pytest


def pytest_configure(config):
    """Set the environment before any kernel starts: nothing of the user's is read, and nothing is left behind."""
    cache = tempfile.TemporaryDirectory(prefix="cnn_course_tests_")
    config.add_cleanup(cache.cleanup)
    os.environ |= {"CNN_COURSE_PROFILE": "quick", "CNN_COURSE_STRICT": "1", "XDG_CACHE_HOME": cache.name}
    for name in ("CNN_COURSE_DATA", "CNN_COURSE_RUN"):
        os.environ.pop(name, None)


def pytest_collection_modifyitems(items):
    """Tell pytest-xdist what belongs to one worker, and put the notebooks first, since they take longest.

    The cells of a notebook share a kernel, and the tests of a module its fixtures; only the tests of the notebooks
    stand alone, so that two lessons are executed side by side.
    """
    for item in items:
        alone = item.path.name == "test_notebooks.py"
        item.add_marker(pytest.mark.xdist_group(item.nodeid if alone else str(item.path)))
    items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path.name != "test_notebooks.py"))
