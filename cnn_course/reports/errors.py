"""What can be wrong with a request for reports."""


class ReportError(Exception):
    """A report that cannot be made; the message is one paragraph that names the remedy."""
