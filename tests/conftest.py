"""Every test, and every notebook that pytest executes, runs on bundled data, in the quick profile, strictly."""

import os
import tempfile


def pytest_configure(config):
    """Set the environment before any kernel starts: nothing of the user's is read, and nothing is left behind."""
    cache = tempfile.TemporaryDirectory(prefix="cnn_course_tests_")
    config.add_cleanup(cache.cleanup)
    os.environ |= {"CNN_COURSE_PROFILE": "quick", "CNN_COURSE_STRICT": "1", "CNN_COURSE_HOME": cache.name}
    for name in ("CNN_COURSE_DATA", "CNN_COURSE_RUN"):
        os.environ.pop(name, None)
