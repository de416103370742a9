"""Every test, and every notebook that pytest executes, runs on bundled data, in the quick profile, strictly."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

PAPERMILL = "test_it_runs_with_other_parameters"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


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


@pytest.fixture(scope="module")
def browser():
    """Start the system's Chromium, or the one that playwright has installed; skip where there is none.

    It ends with the module: while playwright runs, no other test of this process could start an event loop.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    own = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    with playwright.sync_playwright() as driver:
        if not own and not Path(driver.chromium.executable_path).exists():
            pytest.skip("no Chromium is installed; 'playwright install chromium' does that")
        # Chromium's sandbox refuses to work for root, as whom tests often run in a container.
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        started = driver.chromium.launch(executable_path=own, args=arguments)
        yield started
        started.close()
