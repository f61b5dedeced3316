"""A request that cannot be granted, and why."""


def one_line(text: str) -> str:
    """Make a stranger's text fit for one line of a log or an answer."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class HttpError(Exception):
    """An answer other than success: its status code and one sentence."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after
