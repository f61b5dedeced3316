"""The folder that recordings go to: names, numbers, and the room that is left."""

import contextlib
import errno
import itertools
import logging
import os
import time
from pathlib import Path

from webcapd.outputs.recording.manifest import Manifest, Occupied
from webcapd.outputs.recording.naming import LATEST, Naming
from webcapd.outputs.recording.retention import Kept, Limits, Space, surplus
from webcapd.outputs.writing import CannotWrite, cannot_write, write_all

log = logging.getLogger(__name__)

# What is written before it gets its name, and the link before it replaces the one before.
_PART, _LINK = ".webcapd-record.part", ".webcapd-record.link"


class Folder:
    """A folder; for the recorder's thread.  Its functions raise CannotWrite."""

    is_ours = True

    def __init__(self, path: Path, naming: Naming, limits: Limits) -> None:
        """Make the folder if need be, and see that it can be written."""
        self.path, self.naming, self.limits = path, naming, limits
        self._numbers = itertools.count(1)
        self._manifest: Manifest | None = None
        self._says_latest = True
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(error, path) from None
        self.open()

    def open(self) -> None:
        """Read what is there already; again where the folder may be another one by now."""
        self.close()
        try:
            self._manifest = Manifest(self.path)
            (self.path / _PART).write_bytes(b"")
            (self.path / _PART).unlink()
            known = [self.naming.number(name) or 0 for name in os.listdir(self.path)]
        except Occupied:
            raise CannotWrite(f"another webcapd records into {self.path}") from None
        except OSError as error:
            self.close()
            raise cannot_write(error, self.path) from None
        known += [self.naming.number(one.name) or 0 for one in self._manifest.entries]
        self._numbers = itertools.count(max(known, default=0) + 1)

    def close(self) -> None:
        if self._manifest is not None:
            self._manifest.close()
            self._manifest = None

    @property
    def manifest(self) -> Manifest:
        if self._manifest is None:
            raise CannotWrite(f"{self.path} is not open")
        return self._manifest

    def space(self) -> Space:
        try:
            found = os.statvfs(self.path)
        except OSError as error:
            raise cannot_write(error, self.path) from None
        return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)

    def make_room(self) -> None:
        """Delete what is more than the limits allow; raises CannotWrite if that is not enough."""
        manifest, now = self.manifest, time.monotonic()
        space = self.space()
        kept = (Kept(one.size, now - one.since) for one in manifest.entries)
        count = surplus(kept, len(manifest.entries), manifest.size, space, self.limits)
        for _ in range(count):
            name = manifest.entries[0].name
            try:
                if not manifest.delete_oldest():
                    log.info("%s is no longer what was recorded, and is left alone", name)
            except OSError as error:
                raise cannot_write(error, self.path / name) from None
        if count:
            space = self.space()
        if space.shortage(self.limits):
            raise CannotWrite(
                f"there is too little room left in {self.path}: {space}, and --min-free is to stay",
                is_full=True,
            )

    def create(self) -> tuple[int, str]:
        """Make the next file, and list it; gives its descriptor and name."""
        name = ""
        try:
            while True:
                name = self.naming.name(next(self._numbers), time.time())
                try:
                    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                    descriptor = os.open(self.path / name, flags, 0o644)
                    break
                except FileExistsError:
                    continue
            try:
                self.manifest.begun(name)
            except BaseException:
                os.close(descriptor)
                os.unlink(self.path / name)
                raise
        except OSError as error:
            raise cannot_write(error, self.path) from None
        return descriptor, name

    def put(self, data: bytes) -> str:
        """Write a whole file, which nobody sees before it is complete; gives its name."""
        part = self.path / _PART
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                write_all(descriptor, data)
            finally:
                os.close(descriptor)
            name = self._name_part(part)
            try:
                self.manifest.ended(name, len(data))
            except OSError:
                # What is not listed is never deleted.
                os.unlink(self.path / name)
                raise
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise cannot_write(error, self.path) from None
        return name

    def _name_part(self, part: Path) -> str:
        """Give a complete file its name; never takes the place of another."""
        while True:
            name = self.naming.name(next(self._numbers), time.time())
            try:
                os.link(part, self.path / name)
            except FileExistsError:
                continue
            except OSError:
                # File systems of memory cards have no links.
                if os.path.lexists(self.path / name):
                    continue
                os.rename(part, self.path / name)
            else:
                os.unlink(part)
            return name

    def point_to_latest(self, name: str) -> None:
        """Have the link for the latest picture lead to a file; what is no link stays."""
        link, latest = self.path / _LINK, self.path / LATEST
        try:
            if os.path.lexists(latest) and not latest.is_symlink():
                raise FileExistsError(errno.EEXIST, "it is a file and no link")
            link.unlink(missing_ok=True)
            link.symlink_to(name)
            os.rename(link, latest)
        except OSError as error:
            if self._says_latest:
                log.warning("%s is not kept: %s", latest, error.strerror)
            self._says_latest = False

    def write(self, descriptor: int, data: bytes) -> None:
        """Write to a file; raises OSError."""
        write_all(descriptor, data)

    def grown(self, size: int) -> None:
        """Note how large the file is that was made last."""
        self.manifest.grown(size)

    def mark(self, name: str, seconds: float) -> None:
        """Note that a moment of a file is of interest."""
        try:
            self.manifest.mark(name, seconds)
        except OSError as error:
            raise cannot_write(error, self.path) from None

    def ended(self, name: str, size: int) -> None:
        """Note that a file is complete."""
        try:
            self.manifest.ended(name, size)
        except OSError as error:
            raise cannot_write(error, self.path) from None
