"""What can go wrong with a paper; apart from what makes it, which is not installed everywhere."""


class PaperFailed(Exception):
    """No PDF could be made; the message says what is wrong with the template, the data or the machine."""
