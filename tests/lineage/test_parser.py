"""The grammar in its own process: right answers, bounded time, and healing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from warehouse_admin.lineage import child, parser
from warehouse_admin.lineage.parser import LARGEST_BYTES, parse, position

# Longest wait by design: both deadlines, plus starting a process twice on a busy machine.
LONGEST_SECONDS = sum(parser.DEADLINES) + 4


@pytest.fixture(autouse=True)
def fresh():
    parser._cache.clear()
    yield
    parser._helper.stop()


def nested(depth: int) -> str:
    return "select " + "lower(" * depth + "'a'" + ")" * depth


@pytest.mark.parametrize(
    "sql",
    [
        "select properties.$browser, person.properties.email from events",
        "select arrayMap(x -> x + 1, [1, 2]) from t",
        "select f'a {b} c' from t",
        "with recursive t as (select 1 union all select n + 1 from t) select * from t",
        "select * from a array join b as c",
        "select * from a asof join b on a.t >= b.t",
        "select * from events sample 0.1",
        "select * from events final",
        "select row_number() over (partition by a order by b) as n from t qualify n = 1",
        "select a ?? b, a::Int from t",
        "select 'é😀' from t\r\nwhere 1",
    ],
)
def test_it_reads_what_posthog_reads(sql):
    parsed = parse(sql)

    assert parsed.problem == ""
    assert parsed.error is None
    assert parsed.tree is not None and parsed.tree["node"].startswith("Select")


@pytest.mark.parametrize("sql", ["insert into t values (1)", "drop table t", "select 1; select 2", "select from where"])
def test_it_refuses_what_is_no_single_select(sql):
    parsed = parse(sql)

    assert parsed.tree is None
    assert parsed.error is not None


def test_an_error_tells_its_place_in_characters_of_the_text():
    error = parse("select 'é😀',\r\n  a frm b c d\nfrom x").error

    assert error is not None
    text = "select 'é😀',\r\n  a frm b c d\nfrom x"
    assert text[error.start] == "d"
    assert (error.line, error.column) == (2, 13)


@pytest.mark.parametrize(
    ("offset", "place"), [(0, (1, 1)), (2, (1, 2)), (3, (2, 1)), (5, (3, 1)), (7, (4, 1)), (99, (4, 2))]
)
def test_crlf_lf_and_cr_each_end_one_line(offset, place):
    assert position("a\r\nb\nc\rd", offset) == place


def test_a_nesting_that_hangs_the_grammar_gives_up_within_the_deadlines():
    assert parse("select lower(lower('a'))").tree is not None
    started = time.monotonic()

    parsed = parse("select " + "(" * 500 + "1" + ")" * 500)

    assert parsed.problem == "too complex"
    assert time.monotonic() - started < LONGEST_SECONDS
    assert parse("select 1").tree is not None


def test_giving_up_is_remembered():
    assert parse(nested(200)).problem == "too complex"
    started = time.monotonic()

    assert parse(nested(200)).problem == "too complex"
    assert time.monotonic() - started < 1


def test_a_nesting_that_only_a_fresh_child_can_read_is_read():
    for depth in (5, 6):
        parse(nested(depth))

    parsed = parse(nested(10))

    assert parsed.tree is not None


def test_text_over_the_limit_is_not_given_to_the_grammar():
    parse("select 1")
    before = parser._helper.pid

    parsed = parse("select '" + "a" * LARGEST_BYTES + "'")

    assert parsed.problem == "too large"
    assert parsed.error is None
    assert parser._helper.pid == before


def test_half_a_character_pair_is_an_error_of_the_text():
    error = parse("select 1,\n \ud83d").error

    assert error is not None
    assert (error.start, error.line, error.column) == (11, 2, 2)


def test_a_killed_child_heals():
    parse("select 1")
    first = parser._helper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    assert parse("select 2").tree is not None
    assert parser._helper.pid != first


def test_a_child_that_stops_answering_is_replaced_and_reaped():
    parse("select 1")
    first = parser._helper.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)

    assert parse("select 2").tree is not None
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)  # a zombie would still be there


def test_without_the_grammar_it_says_so(monkeypatch, tmp_path):
    script = tmp_path / "child.py"
    script.write_text("print('{\"ready\": false}')")
    monkeypatch.setattr(parser, "_helper", child.Helper(script))

    assert parse("select 1").problem == "parser unavailable"


def test_the_child_gets_no_secret_of_ours(monkeypatch, tmp_path):
    script = tmp_path / "child.py"
    script.write_text("import json, os\nprint(json.dumps({'ready': 'PORTAL_SECRET' not in os.environ}))\ninput()\n")
    monkeypatch.setenv("PORTAL_SECRET", "s3cret")

    running = child._Child(script)
    running.end()


def test_threads_share_one_child_and_each_get_their_own_answer():
    def column(number: int) -> str:
        tree = parse(f"select column_{number} from t").tree
        return tree["select"][0]["chain"][0] if tree else ""

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(column, range(60))) == [f"column_{number}" for number in range(60)]


def test_a_forked_process_starts_its_own_child_and_leaves_the_parents_alone():
    parse("select 1")
    ours = parser._helper.pid
    held = threading.Event()
    release = threading.Event()

    def hold() -> None:
        with parser._helper._lock:
            held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    script_side, our_side = os.pipe()
    forked = os.fork()
    if forked == 0:
        parser._cache.clear()
        good = parse("select 2").tree is not None and parser._helper.pid not in (None, ours)
        parser._helper.stop()
        os.write(our_side, b"1" if good else b"0")
        os._exit(0)
    os.close(our_side)
    with os.fdopen(script_side, "rb") as answer:
        assert answer.read() == b"1"
    os.waitpid(forked, 0)
    release.set()
    holder.join()

    assert parse("select 3").tree is not None
    assert parser._helper.pid == ours


def test_the_child_ends_with_its_parent():
    code = (
        "import os\n"
        "from warehouse_admin.lineage import parser\n"
        "parser.parse('select 1')\n"
        "print(parser._helper.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    pid = int(done.stdout)

    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"  # nobody may be there to reap an orphan
    except FileNotFoundError:
        return False


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(parser, "_CACHE_BYTES", 20_000)
    for number in range(60):
        parse(f"select a{number}, b, c, d from t")

    assert parser._cache._size <= 20_000
    assert 0 < len(parser._cache._answers) < 60


def test_what_a_caller_does_to_a_tree_stays_with_the_caller():
    first = parse("select a from t").tree
    assert first is not None
    first.clear()

    assert parse("select a from t").tree
