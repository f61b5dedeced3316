"""What is said where the system has no more of something that is needed."""

import errno
import resource

# What a system says that has no more of something, and the limit that may be behind it.
_EXHAUSTED = {
    errno.EMFILE: (resource.RLIMIT_NOFILE, "ulimit -n"),
    errno.EAGAIN: (resource.RLIMIT_NPROC, "ulimit -u"),
    errno.ENFILE: None,
    errno.ENOMEM: None,
    errno.ENOSPC: None,
}


def exhaustion(error: OSError | RuntimeError) -> str:
    """Say in one sentence what the system has no more of; raises the error if it is another."""
    if isinstance(error, RuntimeError):
        # All that tells it from others is its text.
        if str(error) != "can't start new thread":
            raise error
        error = OSError(errno.EAGAIN, "no more threads")
    if error.errno not in _EXHAUSTED:
        raise error
    sentence = f"the system gives too little to go on: {error.strerror}"
    limit = _EXHAUSTED[error.errno]
    if limit is None:
        return sentence
    allowed, _ = resource.getrlimit(limit[0])
    return sentence + (f" ({limit[1]} is {allowed})" if allowed != resource.RLIM_INFINITY else "")
