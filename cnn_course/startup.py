"""Start TensorFlow without its start-up log, and keep Matplotlib from writing one.

TensorFlow writes a dozen lines to the process's standard error while it is loaded and while it looks for devices, some
of them marked as errors on any machine without a GPU. ``TF_CPP_MIN_LOG_LEVEL`` silences only those that come after its
logger is set up, so the file descriptor itself has to be set aside for that moment.
"""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator


def start_tensorflow_quietly() -> None:
    """Import TensorFlow and let it look for devices, its log set aside; shown after all should either fail."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Else the first process takes all memory of a GPU, and a second lesson beside it gets none.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    # Keras loads Matplotlib, which on a new machine warns that it lists the fonts: in red, first of all.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with standard_error_set_aside():
        import tensorflow as tf

        tf.config.list_physical_devices()
    # Where an export went, and that a function was compiled for another shape, is no news to a reader either.
    tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def standard_error_set_aside() -> Iterator[None]:
    """Send file descriptor 2 to a temporary file; on an exception write what it caught to standard error."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
