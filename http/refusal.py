"""A request that cannot be granted, and why."""


class Refusal(Exception):
    """An answer other than success: its status code and one sentence."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after
