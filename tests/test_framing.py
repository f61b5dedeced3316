"""Pictures out of what comes piece by piece: multipart bodies, TCP, datagrams."""

import itertools
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webcapd.base.framing.datagrams import DatagramReader, datagrams
from webcapd.base.framing.multipart import MultipartReader, Part
from webcapd.base.framing.picture import Stamped, TooLarge
from webcapd.base.framing.prefixed import PrefixedReader, prefixed

KEY, OTHER = b"k" * 32, b"o" * 32

# No picture, but bytes that a careless reader trips over.
PICTURE = st.lists(
    st.sampled_from([b"\r\n", b"--", b"\n", b"\r\n--b", b"\xff\xd8", b"x", b"\0", b"--b"]),
    min_size=1,
    max_size=12,
).map(lambda pieces: b"\xff\xd8" + b"".join(pieces) + b"\xff\xd9")


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut bytes at these places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


def read(pieces: Iterable[bytes], max_bytes: int = 1000) -> list[bytes]:
    reader = MultipartReader(max_bytes)
    parts = [part for piece in pieces for part in reader.feed(piece)]
    return [part.data for part in (*parts, *reader.end())]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@given(st.lists(PICTURE, min_size=1, max_size=4), CUTS, st.booleans(), st.sampled_from(["", "--"]))
def test_parts_with_a_length_are_read_however_they_come(
    pictures: list[bytes], places: list[int], leading: bool, closing: str
) -> None:
    parts = [
        b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(one), one)
        for one in pictures
    ]
    body = (b"\r\n" if leading else b"") + b"".join(parts) + f"--b{closing}\r\n".encode()
    assert read(cut(body, places)) == pictures


@given(
    st.lists(PICTURE.filter(lambda one: b"\n--b" not in one), min_size=1, max_size=4),
    CUTS,
    st.sampled_from([b"\n", b"\r\n"]),
)
def test_parts_without_a_length_end_at_the_boundary(
    pictures: list[bytes], places: list[int], newline: bytes
) -> None:
    """The end of the body ends the last one, too."""
    parts = [b"--b%b%b%b%b" % (newline, newline, one, newline) for one in pictures]
    assert read(cut(b"".join(parts), places)) == pictures


@given(PICTURE, CUTS)
def test_a_body_may_be_one_picture(picture: bytes, places: list[int]) -> None:
    assert read(cut(picture, places)) == [picture]


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"--b\r\n" + data), CUTS)
def test_any_bytes_are_read_or_refused_alike_however_cut(data: bytes, places: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> object:
        try:
            return read(pieces, 50)
        except ValueError as error:
            return bool(str(error))

    assert outcome(cut(data, places)) == outcome([data])


def test_headers_of_a_part_are_kept() -> None:
    reader = MultipartReader()
    body = b"--b\r\nContent-Length: 1\r\nX-Timestamp: 1.5\r\n\r\nx\r\n--b\r\n"
    assert reader.feed(body) == [
        Part({"content-length": "1", "x-timestamp": "1.5"}, b"x"),
    ]
    assert reader.is_multipart


def test_a_picture_is_there_when_its_boundary_has_come() -> None:
    """Not only with the next one: the sender may rest."""
    reader = MultipartReader()
    assert reader.feed(b"--ffmpeg\r\nContent-type: image/jpeg\r\n\r\n") == []
    assert [part.data for part in reader.feed(b"\xff\xd8\xff\xd9\r\n--ffmpeg\r\n")] == [
        b"\xff\xd8\xff\xd9"
    ]


def test_empty_parts_are_overlooked() -> None:
    body = b"--b\r\nContent-Length: 0\r\n\r\n\r\n--b\r\nContent-Length: 1\r\n\r\nx\r\n--b--"
    assert read([body]) == [b"x"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no picture"),
        (b"GIF89a", "neither as a JPEG nor as multipart"),
        (b"\n" * 100, "too long"),
        (b"--b\r\nno header\r\n", "without a colon"),
        (b"--" + b"b" * 300, "too long"),
        (b"--\r\n", "no boundary"),
        (b"--\xff\xff\xff\r\n", "no boundary"),
        (b"--b\r\n" + b"A: b\r\n" * 5000, "too long"),
        (b"--b\r\n" + b"A" * 10_000, "too long"),
        (b"--b\r\nContent-Length: 4294967296\r\n\r\n", "more than 1000 bytes"),
        (b"--b\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", "no number"),
        (b"--b\r\nContent-Length: -1\r\n\r\n", "no number"),
        ("--b\r\nContent-Length: \u0663\r\n\r\n".encode(), "no number"),
        (b"--b\r\nContent-Type: text/html\r\n\r\n", "no image/jpeg"),
        (b"--b\r\nContent-Length: 1\r\n\r\nxyz\r\n--b\r\n", "longer than its Content-Length"),
        (b"--b\r\nContent-Length: 9\r\n\r\nxyz", "ends within"),
        (b"--b\r\nContent-Length: 9\r\n", "ends within"),
        (b"--b\r\nContent-Length: 1\r\n\r\nx\r\n--bcd\r\n", "behind it"),
    ],
)
def test_a_malformed_body_is_refused_in_a_sentence(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read([body])


@pytest.mark.parametrize("head", [b"\xff\xd8", b"--b\r\n\r\n"])
def test_no_more_than_a_picture_is_held(head: bytes) -> None:
    reader = MultipartReader(1000)
    reader.feed(head)
    with pytest.raises(TooLarge, match="more than 1000 bytes"):
        for _ in range(2000):
            reader.feed(b"x")


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), PICTURE), max_size=4), CUTS)
def test_pictures_behind_their_lengths_are_read_however_they_come(
    pictures: list[tuple[int, bytes]], places: list[int]
) -> None:
    stamped = [Stamped(*one) for one in pictures]
    reader = PrefixedReader()
    pieces = cut(b"".join(map(prefixed, stamped)), places)
    assert [one for piece in pieces for one in reader.feed(piece)] == stamped
    assert not reader.is_within


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80\x04\x95", "WCP1"),  # A pickle.
        (b"GET / HTTP/1.1\r\n\r\n", "WCP1"),
        (b"WCP2" + bytes(12), "WCP1"),
        (struct.pack(">4sIQ", b"WCP1", 2**32 - 1, 0), "more than 1000 bytes"),
    ],
)
def test_a_malformed_connection_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PrefixedReader(1000).feed(data)


def sent(size: int, frame: int, run: int = 1, time: int = 7, key: bytes = b"") -> list[bytes]:
    picture = bytes((frame * 7 + index) & 0xFF for index in range(size))
    return list(datagrams(Stamped(time, picture), run, frame, key))


@given(st.integers(1, 60_000), st.integers(0, 2**32 - 1), st.randoms(), st.sampled_from([b"", KEY]))
def test_datagrams_make_their_picture_in_any_order(
    size: int, frame: int, random: object, key: bytes
) -> None:
    parts = sent(size, frame, key=key)
    assert all(len(part) <= 1400 for part in parts)
    random.shuffle(parts)  # type: ignore[attr-defined]
    reader = DatagramReader()
    taken = [reader.feed(part, 0.0, [OTHER, KEY] if key else []) for part in parts]
    assert taken[:-1] == [None] * (len(parts) - 1)
    assert taken[-1] is not None and taken[-1].captured == 7
    assert list(datagrams(taken[-1], 1, frame, key)) == sent(size, frame, key=key)
    assert reader.refused == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=40))
def test_no_picture_is_shown_twice_or_behind_a_newer_one(order: list[tuple[int, int]]) -> None:
    frames = {number: sent(3000, number & 0xFFFFFFFF) for number in range(-2, 2)}
    reader = DatagramReader()
    shown = []
    for number, index in order:
        picture = reader.feed(frames[number - 2][index], 0.0)
        if picture is not None:
            shown.append(number)
            assert list(datagrams(picture, 1, (number - 2) & 0xFFFFFFFF)) == frames[number - 2]
    assert shown == sorted(set(shown))


def test_a_frame_that_lacks_a_part_makes_room() -> None:
    reader = DatagramReader()
    assert reader.feed(sent(3000, 1)[0], 0.0) is None
    assert reader.feed(sent(3000, 2)[0], 0.0) is None
    assert [reader.feed(one, 0.0) for one in sent(3000, 3)][-1] is not None
    assert reader.feed(sent(3000, 2)[1], 0.0) is None
    assert reader.refused == 1


def test_a_late_part_completes_nothing() -> None:
    reader = DatagramReader()
    first, *rest = sent(3000, 1)
    reader.feed(first, 0.0)
    assert [reader.feed(one, 0.3) for one in rest] == [None] * len(rest)
    assert reader.feed(first, 0.4) is not None


@given(st.integers(0, 3000), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    (part,) = sent(1000, 1, key=KEY)
    place %= len(part)
    forged = part[:place] + bytes((part[place] ^ change,)) + part[place + 1 :]
    reader = DatagramReader()
    assert reader.feed(forged, 0.0, [KEY]) is None
    assert reader.feed(part, 0.0, [OTHER]) is None
    assert reader.feed(part[:-16], 0.0, [KEY]) is None
    assert reader.refused == 3
    assert reader.feed(part, 0.0, [KEY]) is not None


def test_what_was_recorded_is_not_shown_again() -> None:
    reader = DatagramReader()
    (one,) = sent(1000, 1, time=10, key=KEY)
    (two,) = sent(1000, 2, time=20, key=KEY)
    (again,) = sent(1000, 1, run=2, time=30, key=KEY)
    assert reader.feed(one, 0.0, [KEY]) and reader.feed(two, 0.0, [KEY])
    assert not reader.feed(one, 0.0, [KEY])
    assert not reader.feed(again, 1.0, [KEY]), "another sender, while there is one"
    assert reader.feed(again, 3.0, [KEY])
    assert not reader.feed(two, 6.0, [KEY]), "a run that is over"
    (later,) = sent(1000, 0, run=3, time=31, key=KEY)
    assert reader.feed(later, 6.0, [KEY])


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"WCU1" + data))
def test_any_datagram_is_taken_or_counted(data: bytes) -> None:
    reader = DatagramReader(1000)
    picture = reader.feed(data, 0.0)
    assert reader.refused == 1 or picture is not None or reader._frames


@pytest.mark.parametrize(
    ("index", "count", "total", "size"),
    [
        (0, 1, 2**32 - 1, 1300),
        (0, 65535, 2**32 - 1, 1300),
        (3, 3, 3000, 1000),
        (0, 0, 0, 0),
        (0, 3, 2, 1),
        (0, 2, 1000, 499),
        (1, 2, 1000, 501),
    ],
)
def test_a_hostile_datagram_is_refused(index: int, count: int, total: int, size: int) -> None:
    header = struct.pack(">4sIIHHIQ", b"WCU1", 1, 1, index, count, total, 0)
    reader = DatagramReader()
    assert reader.feed(header + bytes(size), 0.0) is None
    assert reader.refused == 1
