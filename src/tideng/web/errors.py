"""Why a page is not shown. Each has one answer, given in `app.py`."""


class NotSignedIn(Exception):
    """Nobody is signed in, or no longer: the answer is the sign-in page."""


class NotAllowed(Exception):
    """Signed in, but not in a role that may do this."""


class FormRefused(Exception):
    """The form does not carry this session's token: it was not sent from our own page (CSRF), or is old."""


class UploadTooLarge(Exception):
    """More was sent than this form takes; nothing of it was looked at."""


class NoSuchPage(Exception):
    """Nothing lies at this address, or no longer."""
