"""What a process holds of the system, as /proc tells of it."""

from pathlib import Path


class Footprint:
    """What a process holds of the system."""

    def __init__(self, pid: int) -> None:
        self.files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        self.threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        maps = Path(f"/proc/{pid}/maps").read_text()
        self.shared = maps.count("/SYSV") + maps.count("/memfd:webcapd-frame")
        """Pieces of memory shared with X servers."""
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        self.kilobytes = int(status["VmRSS"].split()[0])


def segments_of(pid: int) -> int:
    """Count the SysV segments that a process has made."""
    header, *rows = Path("/proc/sysvipc/shm").read_text().splitlines()
    column = header.split().index("cpid")
    return sum(int(row.split()[column]) == pid for row in rows)
