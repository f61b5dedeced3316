"""The reference reader of names, written from docs/manifest.md alone: for manifests and streams."""

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

from updatepixels import need
from updatereader import UpdateReader

Fetch = Callable[[str], bytes]
"""Gives a group by its name; raises LookupError where there is none."""


def records_of(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut whole records; gives the type, and the record."""
    at = 0
    while at < len(data):
        need(at + 4 <= len(data), "the data end within a record")
        end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        need(end <= len(data), "the data end within a record")
        yield chr(data[at]), data[at:end]
        at = end


class NameReader:
    """A reader of updates that fetches what is named."""

    def __init__(self, fetch: Fetch, reader: UpdateReader | None = None) -> None:
        self.reader, self._fetch, self._buffer = reader or UpdateReader(), fetch, bytearray()
        self.fetched: list[str] = []

    def feed(self, data: bytes) -> None:
        """Take more of a stream, cut anywhere."""
        self._buffer += data
        whole = 0
        while len(self._buffer) - whole >= 4:
            end = whole + 4 + int.from_bytes(self._buffer[whole + 1 : whole + 4], "big")
            if end > len(self._buffer):
                break
            whole = end
        complete, self._buffer = bytes(self._buffer[:whole]), self._buffer[whole:]
        for kind, record in records_of(complete):
            need(kind != "A", "parts are for manifests")
            self.take(kind, record)

    def take(self, kind: str, record: bytes) -> None:
        """Read one record, or those that it names."""
        if kind != "U":
            self.reader.feed(record)
            return
        size, name = struct.unpack(">I16s", record[4:])
        self.fetched.append(name.hex())
        group = self._fetch(name.hex())
        need(len(group) == size, "a group is of another size")
        headers, self.reader._headers = self.reader._headers, {}
        for inner, one in records_of(group):
            need(inner in "QJFLRNI", f"a group has a record {inner}")
            self.reader.feed(one)
        self.reader._headers = headers


class ManifestReader(NameReader):
    """Reads one manifest after the other."""

    def __init__(self, fetch: Fetch, reader: UpdateReader | None = None) -> None:
        super().__init__(fetch, reader)
        self.run, self.number = "", -1

    def read(self, manifest: bytes) -> bool:
        """Go on to the state of a manifest; tells whether that is a newer one."""
        (first, hello), *rest = records_of(manifest)
        need(first == "W", "the first record is no W")
        facts = json.loads(hello[8:])
        have = self.number if facts["run"] == self.run else -1
        before, parts, after = split(rest)
        number = struct.unpack_from(">I", after[0][1], 4)[0]
        if number <= have:
            return False
        chosen = choose(parts, have, after[0][1])
        self.reader.begin()
        if have >= 0:
            facts["after"] = have
            payload = b"WCU1" + json.dumps(facts).encode()
            hello = b"W" + len(payload).to_bytes(3, "big") + payload
        for kind, record in [("W", hello), *before, *chosen, *after]:
            self.take(kind, record)
        need(self.reader.end["reason"] == "once", "a manifest has no end")
        self.run, self.number = facts["run"], number
        return True


Records = list[tuple[str, bytes]]


def split(rest: Records) -> tuple[Records, list[tuple[bool, int, Records]], Records]:
    """Give what stands before the parts, the parts, and the mark with what is behind it."""
    before: Records = []
    parts: list[tuple[bool, int, Any]] = []
    mark = next(at for at, (kind, _) in enumerate(rest) if kind == "E")
    for kind, record in rest[:mark]:
        if kind == "A":
            flags, number = struct.unpack(">BI", record[4:])
            need(flags < 2, "a flag is unknown")
            parts.append((flags == 1, number, []))
        elif parts:
            parts[-1][2].append((kind, record))
        else:
            need(kind in "SIP", f"a {kind} stands before all parts")
            before.append((kind, record))
    return before, parts, rest[mark:]


def choose(parts: list[tuple[bool, int, Records]], have: int, mark: bytes) -> Records:
    """Give what leads on from a state, with a mark of its own before each step but from there."""
    others = [(from_, records) for is_step, from_, records in parts if not is_step]
    steps = [(from_, records) for is_step, from_, records in parts if is_step]
    need(others == sorted(others, key=lambda one: one[0]), "parts are out of order")
    need([at for at, _ in steps] == sorted(at for at, _ in steps), "steps are out of order")
    chosen: Records = []
    since = have
    if have not in [from_ for from_, _ in steps]:
        chosen = [one for from_, records in others if from_ > have for one in records]
        since = others[-1][0]
    for from_, records in steps:
        if from_ >= since:
            if from_ != have:
                chosen.append(("E", mark[:4] + struct.pack(">I", from_) + mark[8:]))
            chosen += records
    return chosen
