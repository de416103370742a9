"""Support package of the CNN course: one small module per subject.

Importing the package is cheap and does not import TensorFlow.
"""

__version__ = "0.1.0"
