"""What goes wrong with weights that somebody has stored."""


class WeightsUnavailable(Exception):
    """Weights that are missing, cannot be downloaded, or do not fit; the message says what helps."""
