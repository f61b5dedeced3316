"""Pictures become H.264, a frame for each, and MP4 around it."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from hypothesis import given
from hypothesis import strategies as st
from xserver import Pixels

from webcapd.encoder.h264 import boxes
from webcapd.encoder.h264.boxes import TIMESCALE, fragment, init_segment, sample_of
from webcapd.encoder.h264.codec import Coded, H264Encoder, H264Error, even
from webcapd.encoder.h264.planes import Planes
from webcapd.encoder.h264.tuning import FAR, Tuning

WIDTH, HEIGHT = 192, 112


def picture(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Draw a coloured gradient, another for each seed, as B, G, R, X."""
    y, x = np.mgrid[:height, :width]
    channels = [x + 3 * seed, y + x // 2, 2 * y - seed, 0 * x]
    return np.stack([(128 + 100 * np.sin(one / 40)) for one in channels], axis=2).astype(np.uint8)


def psnr(one: Pixels, other: Pixels) -> float:
    error = np.square(one[:, :, :3].astype(float) - other[:, :, :3]).mean()
    return float("inf") if not error else 10 * np.log10(255**2 / error)


def decoded(frames: list[Coded]) -> list[Pixels]:
    """Decode frames; each must come out as soon as it is in, but for the first."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    shown = [
        one
        for packet in (*(av.Packet(frame.data) for frame in frames), None)
        for one in decoder.decode(packet)
    ]
    return [pixels_of(one) for one in shown]


def pixels_of(frame: av.VideoFrame) -> Pixels:
    return frame.to_ndarray(format="bgra").astype(np.uint8)


@pytest.mark.parametrize("full_color", [False, True], ids=["4:2:0", "4:4:4"])
def test_each_picture_becomes_a_frame_at_once(full_color: bool) -> None:
    encoder = H264Encoder(WIDTH, HEIGHT, 20, full_color)
    pictures = [picture(seed) for seed in range(8)]
    coded = [encoder.encode(one, seed / 30, key=seed == 5) for seed, one in enumerate(pictures)]
    assert [frame.is_key for frame in coded] == [number in (0, 5) for number in range(8)]
    shown = decoded(coded)
    assert len(shown) == len(pictures)
    for one, other in zip(shown, pictures, strict=True):
        assert psnr(one, other) > 36
    # Whoever joins at a key frame sees the same.
    assert np.array_equal(decoded(coded[5:])[-1], shown[-1])
    encoder.close()


def test_there_are_no_key_frames_but_those_asked_for() -> None:
    """Nor when the picture is another one, as at the cut of a film; nor with time."""
    encoder = H264Encoder(64, 64, 30)
    noise = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 4), np.uint8)
    keys = [encoder.encode(noise[number // 100 % 2], number / 30).is_key for number in range(700)]
    assert keys == [True] + 699 * [False]


@pytest.mark.parametrize("full_color", [False, True], ids=["4:2:0", "4:4:4"])
def test_only_rows_that_changed_are_looked_at(full_color: bool) -> None:
    encoder = H264Encoder(WIDTH, HEIGHT, 10, full_color)
    before, after = picture(0), picture(40)
    first = encoder.encode(before, 0)
    second = encoder.encode(after, 1, changed=[(17, 31), (95, HEIGHT)])
    expected = before.copy()
    for top, bottom in ((16, 32), (94, HEIGHT)):
        expected[top:bottom] = after[top:bottom]
    assert psnr(decoded([first, second])[-1], expected) > 38


def test_a_part_of_a_picture_can_be_encoded_as_it_lies() -> None:
    whole = picture(3, 400, 300)
    part = even(whole[41:154, 83:300])
    height, width = part.shape[:2]
    assert (height, width) == (112, 216)
    encoder = H264Encoder(width, height, 10)
    for turned in (part, part[::-1], part[:, ::-1], np.rot90(part, 2)):
        assert psnr(decoded([encoder.encode(turned, 0, key=True)])[0], turned) > 38


def test_times_need_not_rise() -> None:
    encoder = H264Encoder(64, 64, 30)
    frames = [encoder.encode(picture(n, 64, 64), moment) for n, moment in enumerate((5, 5, 3, 9))]
    assert len(decoded(frames)) == 4


@pytest.mark.parametrize("size", [(0, 2), (3, 4), (4, 3), (2, 0)], ids=str)
def test_sizes_that_cannot_be_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(H264Error, match="cannot be encoded"):
        H264Encoder(*size, 25)


def test_smallest_picture_can_be_encoded() -> None:
    assert H264Encoder(2, 2, 25).encode(picture(0, 2, 2), 0).is_key


def test_a_file_made_of_fragments_says_when_each_frame_was(tmp_path: Path) -> None:
    encoder = H264Encoder(WIDTH, HEIGHT, 25)
    times = [0.0, 0.04, 0.1, 5.0, 5.02]
    coded = [encoder.encode(picture(number), moment) for number, moment in enumerate(times)]
    first = sample_of(coded[0].data)
    file = [init_segment(WIDTH, HEIGHT, first.sps, first.pps)]
    for number, (moment, frame) in enumerate(zip(times, coded, strict=True), 1):
        sample = sample_of(frame.data).data
        file += [fragment(number, round(moment * TIMESCALE), 900, sample, frame.is_key)]
        file += [boxes.nothing()]
    path = tmp_path / "video.mp4"
    path.write_bytes(b"".join(file))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (WIDTH, HEIGHT)
        assert stream.codec_context.has_b_frames == 0
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert [packet.pts for packet in packets] == [round(one * TIMESCALE) for one in times]
        assert stream.time_base == Fraction(1, TIMESCALE)
        assert [packet.is_keyframe for packet in packets] == [True] + 4 * [False]
    with av.open(str(path)) as container:
        shown = [pixels_of(frame) for frame in container.decode(video=0)]
    assert len(shown) == 5
    assert psnr(shown[-1], picture(4)) > 36
    # What decoders go by that are told before: profile and level, as in the stream.
    assert boxes.codec_string(first.sps).startswith("avc1.42")


def children(data: bytes) -> list[tuple[str, bytes]]:
    """Take boxes apart that fill all of ``data``."""
    found, at = [], 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at
        found.append((name.decode(), data[at + 8 : at + size]))
        at += size
    return found


@given(
    st.integers(1, 2**40),
    st.integers(0, 2**63),
    st.integers(1, TIMESCALE),
    st.binary(min_size=1, max_size=300),
    st.booleans(),
)
def test_fragments_hold_what_they_say(
    sequence: int, decode_time: int, duration: int, sample: bytes, is_key: bool
) -> None:
    made = fragment(sequence, decode_time, duration, sample, is_key)
    (moof, head), (mdat, data) = children(made)
    assert (moof, mdat, data) == ("moof", "mdat", sample)
    (_, mfhd), (_, traf) = children(head)
    assert struct.unpack(">II", mfhd) == (0, sequence % 2**32)
    parts = dict(children(traf))
    assert struct.unpack(">IQ", parts["tfdt"]) == (1 << 24, decode_time)
    _, count, offset, lasts, size, flags = struct.unpack(">6I", parts["trun"])
    assert (count, lasts, size) == (1, duration, len(sample))
    assert made[offset:] == sample
    # sample_is_non_sync_sample
    assert bool(flags & 0x10000) is not is_key


# Units as they can be: no start code within, and no zero at the end.
_UNITS = st.lists(
    st.binary(min_size=1, max_size=9).filter(
        lambda unit: b"\0\0\0" not in unit and b"\0\0\1" not in unit and unit[-1]
    ),
    max_size=5,
)


@given(_UNITS, st.sampled_from([b"\0\0\1", b"\0\0\0\1"]))
def test_a_byte_stream_is_cut_into_its_units(parts: list[bytes], start: bytes) -> None:
    stream = b"".join(start + unit for unit in parts)
    assert list(boxes.units(stream)) == parts


def test_what_holds_no_picture_is_no_sample() -> None:
    with pytest.raises(ValueError, match="no picture"):
        sample_of(b"\0\0\1\x67abc\0\0\0\1\x06def")


def test_a_picture_that_rests_is_encoded_finer_once_and_then_as_before() -> None:
    generator = np.random.default_rng(2)
    noise = generator.integers(0, 256, (40, HEIGHT // 4, WIDTH // 4, 4), np.uint8)
    pictures = [one.repeat(4, 0).repeat(4, 1) for one in noise]
    planes = Planes(WIDTH, HEIGHT, False)
    encoder = H264Encoder(WIDTH, HEIGHT, 35)
    frames = []
    for number, one in enumerate([*pictures[:20], pictures[19], *pictures[20:]]):
        planes.follow(one, None)
        frames.append(encoder.encode_planes(planes, number / 30, is_rest=number == 20))
    shown = decoded(frames)
    assert psnr(shown[20], pictures[19]) > psnr(shown[19], pictures[19]) + 3
    moved = sum(len(frame.data) for frame in frames[10:20])
    again = sum(len(frame.data) for frame in frames[30:40])
    assert again < 1.2 * moved


def test_what_is_no_encoder_is_not_tuned() -> None:
    """What is not certain to be one is left alone."""
    decoder = av.CodecContext.create("h264", "r")
    for one in (decoder, 3.5, "x" * 100, object()):
        tuning = Tuning(one)  # type: ignore[arg-type]
        assert not tuning.sets_search
        assert not tuning.set(20)


@pytest.mark.parametrize(
    ("codec", "search", "sets"),
    [("libx264", FAR, True), ("libx264", "me=hex", False), ("mpeg4", "", False)],
)
def test_search_is_set_only_where_it_is_found(codec: str, search: str, sets: bool) -> None:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
    context.time_base = Fraction(1, 30)
    if search:
        context.options = {"preset": "ultrafast", "x264-params": search}
    context.open()
    assert Tuning(context).sets_search is sets


def test_search_is_far_where_text_scrolls_and_near_in_a_film() -> None:
    """By the bytes of it: what scrolled too far for the near search is new to that."""
    generator = np.random.default_rng(7)
    width, height, step = 320, 480, 28
    ink = generator.random((height + 120 * step, width)) < 0.35
    text = np.where(ink, 25, 245).astype(np.uint8)[..., None].repeat(4, 2)
    small = generator.integers(0, 256, (45, height // 8, width // 8, 4), np.uint8)
    film = [one.repeat(8, 0).repeat(8, 1) for one in small]
    encoder = H264Encoder(width, height, 25)
    planes = Planes(width, height, False)
    sizes, moment = list[int](), 0.0

    def show(pixels: Pixels) -> None:
        nonlocal moment
        planes.follow(pixels, None)
        moment += 1 / 30
        sizes.append(len(encoder.encode_planes(planes, moment).data))

    for one in film:
        show(one)
    assert not encoder.is_searching_far
    for line in range(50):
        show(text[line * step : line * step + height])
        assert encoder.is_searching_far is bool(line)
    new = max(sizes[45:])
    # A line that comes in is new, and no more.
    assert max(sizes[47:]) < new / 4
    for one in film[:29]:
        show(one)
    assert encoder.is_searching_far
    show(film[29])
    assert not encoder.is_searching_far
    # After a rest it may be anything.
    moment += 1
    show(film[30])
    assert encoder.is_searching_far
