"""The benchmark behind caches: its arithmetic, its reading of lists, and the model of a million."""

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import ROOT

import scaling
from figures import Record
from scale import lists, model, table, watching

PAGE = ROOT / "docs/scale.md"
RESULTS = ROOT / "docs/scale.jsonl"

groups = st.lists(
    st.builds(lists.Group, st.binary(min_size=16, max_size=16).map(bytes.hex), st.integers(0, 9**6))
)
parts = st.lists(st.builds(lists.Part, st.booleans(), st.integers(0, 2**32 - 1), groups.map(tuple)))


def record(kind: str, payload: bytes) -> bytes:
    return kind.encode() + len(payload).to_bytes(3, "big") + payload


def named(some: Sequence[lists.Group]) -> bytes:
    words = (one.size.to_bytes(4, "big") + bytes.fromhex(one.name) for one in some)
    return b"".join(record("U", word) for word in words)


def mark(number: int, flags: int = 0, captured: int = 10**15) -> bytes:
    payload = number.to_bytes(4, "big") + bytes((flags,)) + captured.to_bytes(8, "big")
    return record("E", payload)


HELLO = record("W", b'WCU1{"version":1,"run":"0123456789abcdef","form":""}')


@given(parts, st.integers(0, 2**32 - 1))
def test_lists_are_read_as_they_are_written(some: list[lists.Part], number: int) -> None:
    written = b"".join(
        record("A", bytes((one.is_step,)) + one.number.to_bytes(4, "big"))
        + record("F", bytes(11))
        + named(one.groups)
        for one in some
    )
    read = lists.manifest(HELLO + written + mark(number) + record("X", b"{}"))
    assert (read.run, read.mark.number, read.parts) == ("0123456789abcdef", number, tuple(some))


@given(st.lists(groups, min_size=1, max_size=5), st.data())
def test_names_are_read_wherever_the_stream_is_cut(
    updates: list[list[lists.Group]], data: st.DataObject
) -> None:
    stream = HELLO + b"".join(named(one) + mark(number) for number, one in enumerate(updates))
    reader, found, at = lists.NameStream(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream)))
        found += list(reader.feed(stream[at : at + size]))
        at += size
    assert [(one.number, list(some)) for one, some in found] == list(enumerate(updates))


def test_reader_lacks_what_is_newer_than_what_it_has_or_the_steps() -> None:
    old, new, step, last = (lists.Group(f"{digit}" * 32, 1) for digit in "0123")
    manifest = lists.Manifest(
        "",
        lists.Mark(9, True, 0.0),
        (
            lists.Part(True, 7, (step,)),
            lists.Part(True, 8, (last,)),
            lists.Part(False, 3, (old,)),
            lists.Part(False, 7, (new,)),
        ),
    )
    assert manifest.lacking(8) == (last,)
    assert manifest.lacking(7) == (step, last)
    assert manifest.lacking(3) == (new, step, last)
    assert manifest.lacking(None) == (old, new, step, last)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.data())
def test_every_version_counts_until_it_or_a_newer_one_is_seen(
    delays: list[float], data: st.DataObject
) -> None:
    made = [(number, float(number)) for number in range(len(delays))]
    skipped = data.draw(st.sets(st.sampled_from(range(len(delays)))))
    seen = watching.Seen()
    seen.show(-1.0, -1)
    for number, delay in enumerate(delays):
        if number not in skipped:
            seen.show(number + delay, number)
    now = len(delays) + 5.0
    shown = dict((number, moment) for moment, number in seen.shown)
    expected = [
        min((at for other, at in shown.items() if other >= number), default=now) - number
        for number in range(len(delays))
    ]
    assert watching.ages(seen, made, -math.inf, math.inf, now) == pytest.approx(expected)


@given(
    st.floats(0.01, 100), st.floats(1, 1e6), st.floats(0, 1), st.floats(0.1, 100), st.integers(1, 9)
)
def test_model_sends_us_no_more_for_more_viewers(
    requests: float, octets: float, streamed: float, versions: float, power: int
) -> None:
    taken = model.Taken(requests, octets, octets * streamed)
    few, many = (model.load(taken, versions, 10**exponent) for exponent in (power - 1, power))
    assert many.edge_requests == pytest.approx(10 * few.edge_requests)
    assert many.edge_bytes == pytest.approx(10 * few.edge_bytes)
    most = model.BUDGET * requests * versions
    assert few.origin_requests <= many.origin_requests <= most * (1 + 1e-9)
    assert many.hit_rate >= max(few.hit_rate, 1 - model.BUDGET / 10**power) - 1e-9
    assert many.origin_bytes <= many.edge_bytes * (1 + 1e-9)


def measured() -> list[Record]:
    return [json.loads(line) for line in RESULTS.read_text().splitlines()]


def test_model_holds_where_it_was_measured() -> None:
    """Where nothing was full: there viewers skip versions, and take less."""
    found = [one for one in table.scales(measured()) if not table.limit(one)]
    assert max(one["viewers"] for one in found) >= 300
    for one in found:
        load = table.predicted(measured(), one)
        what = (one["workload"], one["front"], one["lists"], one["viewers"])
        # Of what is asked for rarely, the measurement has seen too little.
        if table.asked(one) / one["viewers"] > 1:
            assert load.edge_requests == pytest.approx(
                table.asked(one), rel=model.REQUESTS_WITHIN
            ), what
        assert load.edge_bytes == pytest.approx(one["bytes"], rel=model.BYTES_WITHIN), what
        assert table.repeated(one) <= model.BUDGET, what


def test_point_measured_anew_takes_the_place_of_its_like_and_no_other(tmp_path: Path) -> None:
    machine, *before = measured()
    own = [one for one in before if one["kind"] == "scale"]
    again = {**own[0], "run": "a later run", "versions": 1234.5}
    more = {**again, "viewers": own[0]["viewers"] + 1}
    records = table.merged([machine, *before], [{**machine, "run": "a later run"}, more, again])
    assert len(records) == len(before) + 2
    assert [one for one in records[1:] if one not in (again, more)] == [
        one for one in before if one is not own[0]
    ]
    place = records.index(again)
    assert records[place + 1] == more
    page = tmp_path / "scale.md"
    page.write_text(f"before\n{table.BEGIN}\n{table.END}\nbehind")
    table.write(page, records, "plot")
    line = next(one for one in page.read_text().splitlines() if machine["machine"] in one)
    assert line.startswith("a later run (")
    assert all(one["run"] in line for one in own)


def test_point_at_which_nobody_saw_a_version_says_so_and_is_none_of_the_models() -> None:
    records = measured()
    one = next(one for one in table.scales(records) if not table.limit(one))
    blind = {**one, "viewers": 9999, "shown": 0.0, "median": math.nan, "p99": math.nan}
    failed = {key: one[key] for key in ("kind", "workload", "front", "lists")}
    failed |= {"viewers": 9998, "failed": "nginx did not start"}
    assert "saw no version" in table.limit(blind)
    assert list(table.ways([*records, blind, failed])) == list(table.ways(records))
    text = table.rendered([*records, blind, failed])
    assert "| 9999 |" in text and "none / none" in text and "nan" not in text
    assert "| 9998 | nginx did not start |" in text


def test_processors_are_the_limit_where_one_version_takes_them_long() -> None:
    """Though they rest for most of the time."""
    one: Record = {"processors": 2, "idle": 0.7, "shown": 0.4, "versions": 0.4}
    one |= {"cpu": {"webcapd": 0.01, "cache": 0.31, "X server": 0.0, "viewers": 0.16}}
    assert table.limit(one) == "the processors, 0.6 s for each version"
    one |= {"versions": 4.0, "lists": "names", "requests": {"manifests": 0.0, "groups": 80.0}}
    assert table.limit(one) == ""
    # Who asks for lists there is no viewer of names any more.
    assert "by manifests" in table.limit({**one, "requests": {"manifests": 20.0, "groups": 80.0}})


def test_viewers_that_end_are_told_from_viewers_that_answer() -> None:
    command = ["sh", "-c", "read line; echo no more sockets; read line"]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        crowd = scaling.Crowd(process)
        with pytest.raises(SystemExit, match="no more sockets"):
            crowd.tell()
        assert process.stdin
        process.stdin.close()


def test_command_measures_a_row_alone() -> None:
    """With real programs, and as few viewers as give a row."""
    chosen = ["--workloads", "typing", "--fronts", "nginx", "--lists", "names", "--viewers", "3"]
    command = [sys.executable, str(ROOT / "bench/scaling.py"), *chosen]
    done = subprocess.run(
        # Long enough for something to be typed and seen where much else is done.
        [*command, "--seconds", "6", "--no-docs"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    measured, _, model_part = done.stdout.partition("### ")
    (row,) = (line for line in measured.splitlines() if line.startswith("| typing |"))
    assert "| typing | nginx, names |" in model_part
    name, front, viewers, versions, ages, requests = row.split(" | ")[:6]
    assert (name, front, viewers) == ("| typing", "nginx, names", "3")
    made, shown = map(float, versions.split(" / "))
    assert made > 0 and shown > 0, row
    assert all(float(one) > 0 for one in ages.split(" / ")), row
    assert float(requests) > 0, row


def test_page_has_the_tables_of_what_was_measured() -> None:
    assert table.rendered(measured()) in PAGE.read_text()
