"""Every test, and every notebook that pytest executes, runs on bundled data, in the quick profile, strictly."""

import os
import tempfile

import pytest

PAPERMILL = "test_it_runs_with_other_parameters"


def pytest_configure(config):
    """Set the environment before any kernel starts: nothing of the user's is read, and nothing is left behind."""
    cache = tempfile.TemporaryDirectory(prefix="cnn_course_tests_")
    config.add_cleanup(cache.cleanup)
    os.environ |= {"CNN_COURSE_PROFILE": "quick", "CNN_COURSE_STRICT": "1", "CNN_COURSE_HOME": cache.name}
    for name in ("CNN_COURSE_DATA", "CNN_COURSE_RUN"):
        os.environ.pop(name, None)


def pytest_collection_modifyitems(items):
    """Begin with the lessons, which take longest, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.path.suffix != ".ipynb" and PAPERMILL not in item.name)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out the tests file by file in their order, and the lessons that papermill executes one by one."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return nodeid if PAPERMILL in nodeid else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)
