"""Records and plain text through pipes: order, failures, streaming, bulk actions."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import cleaner as package
from cleaner import Cleaner, ReadError, UsageError
from cleaner.pages import Pages
from cleaner.pipe import clean_plain, clean_records

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}  # the package that these tests see
STORY = (
    "서구청은 12일 양동시장 공영주차장을 3층으로 증축하는 공사를 시작했다고 밝혔다.\n"
    "공사비 48억원은 시비와 구비로 절반씩 부담하며 내년 5월 준공할 예정이다.\n"
    '구청 관계자는 "공사 기간에 상인과 손님의 불편이 없도록 임시 주차장 두 곳을 운영하겠다"고 말했다.'
)
AD = (
    "소리나라보청기 개업 이벤트\n최신 보청기 최대 50% 할인\n보청기 무료 체험\n무료 청력검사 예약 전화 062) 000-1234\n"
    "의료광고심의필 제 000000-중-00000호"
)
WORD = "무료 체험"  # of the ad
PAGE = (
    "<html lang='en'><head><title>Library opens on the square</title><meta name='author' content='Jane Roe'>"
    "<meta property='article:published_time' content='2024-03-05'></head><body><article><h1>Library opens on the square</h1>"
    + "".join(f"<p>{sentence}</p>" for sentence in (
        "The council opened the new town library on Tuesday after two years of work on the old grain hall beside the market.",
        "Mayor Ann Hill said the reading room would stay open until nine in the evening, and that no fee would be asked of anyone.",
        "The building cost four million pounds, of which the county paid a third; the rest came from a loan agreed in 2021.",
    ))
    + "</article></body></html>"
)  # fmt: skip


@pytest.fixture(scope="module")
def cleaner() -> Cleaner:
    return Cleaner()


def run(cleaner, *records, **options):
    """Records (or raw lines) through the pipe: how many failed, and what came out."""
    lines = [record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode() for record in records]
    out = io.BytesIO()
    failed = clean_records(io.BytesIO(b"\n".join(lines) + b"\n"), out, cleaner, **options)
    written = out.getvalue()
    assert not written or written.endswith(b"\n")
    return failed, [json.loads(line) for line in written.split(b"\n")[:-1]]


def test_an_ad_goes_and_other_fields_stay(cleaner):
    """The text is cleaned; every other field comes out as it went in, in its place."""
    record = {"id": "a-1", "views": 12, "text": f"{STORY}\n\n{AD}", "tags": ["시장", None, {"깊이": 1.5}]}
    failed, (out,) = run(cleaner, record)
    assert failed == 0
    assert list(out) == list(record)
    assert {**out, "text": ""} == {**record, "text": ""}
    assert out["text"].startswith(STORY[:60])
    assert WORD not in out["text"]


def test_order_and_count_hold_with_failures_between(cleaner):
    """One line out for each line in, in order, whatever fails on the way; blank lines count as lines and say nothing."""
    broken, listed = b'{"id": 2, "text": ', {"id": 6, "text": ["x"]}
    failed, out = run(cleaner, {"id": 1, "text": STORY}, broken, b"", {"id": 4}, {"text": STORY}, listed, b"7")
    assert failed == 4
    assert [row["id"] for row in out] == [1, None, 4, 5, 6, None]
    assert [row.get("line") for row in out] == [None, 2, 4, None, 6, 7]
    assert [set(row) == {"id", "line", "error"} for row in out] == [False, True, True, False, True, True]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"id": 1, "text": }', "not JSON"),
        (b'{"id": 1}', "--field"),
        (b'{"id": 1, "text": null}', "no field `text`"),
        (b'{"id": 1, "text": 5}', "a number"),
        (b'{"id": 1, "html": {"a": 1}}', "`html` holds an object"),
        (b'[{"id": 1}]', "must be a JSON object"),
        (b'{"id": 1, "text": "' + bytes(range(128, 256)) + b'"}', "--encoding"),
        (b'{"id":' * 100_000, "JSON"),
        (b'{"id": ' + b"9" * 5000 + b', "text": "x"}', "cannot be read"),
    ],
)
def test_a_failure_says_what_to_do(cleaner, line, says):
    """Each kind of bad record gets one sentence that names its trouble, and does not stop the next one."""
    failed, out = run(cleaner, {"id": 0, "text": STORY}, line, {"id": 2, "text": STORY})
    assert failed == 1
    assert says in out[1]["error"]
    assert "\n" not in out[1]["error"]
    assert [row["id"] for row in out[::2]] == [0, 2]


def test_a_document_that_breaks_the_model_fails_alone(cleaner, monkeypatch):
    """If a batch fails inside the heart, the one record to blame is reported and the others are cleaned."""
    real = Cleaner.clean_many

    def fragile(self, documents):
        documents = list(documents)
        if any("poison" in document.text for document in documents):
            raise IndexError("broke")
        return real(self, documents)

    monkeypatch.setattr(Cleaner, "clean_many", fragile)
    failed, out = run(cleaner, *[{"id": i, "text": "poison" if i == 3 else STORY} for i in range(6)])
    assert failed == 1
    assert out[3] == {"id": 3, "line": 4, "error": "IndexError: broke"}
    assert [row["id"] for row in out] == list(range(6))


def test_lone_surrogates_go_out_as_escapes(cleaner):
    """A lone surrogate in any field survives as a JSON escape, so the stream stays valid UTF-8."""
    out = io.BytesIO()
    line = json.dumps({"id": "\ud83d", "text": f"{STORY} \udc00"}).encode()
    assert clean_records(io.BytesIO(line), out, cleaner) == 0
    assert b"\\ud83d" in out.getvalue()
    assert b"\\udc00" in out.getvalue()
    assert json.loads(out.getvalue().decode("utf-8"))["id"] == "\ud83d"


def test_nested_field(cleaner):
    """`a.b` walks into objects; a key that holds the dot itself comes first; a wrong path is a failure."""
    nested, dotted, wrong = {"id": 1, "page": {"body": f"{STORY}\n{AD}", "n": 1}}, {"id": 2, "page.body": STORY}, {"id": 3, "page": "x"}
    failed, out = run(cleaner, nested, dotted, wrong, field="page.body")
    assert failed == 1
    assert WORD not in out[0]["page"]["body"]
    assert out[0]["page"]["n"] == 1
    assert out[1] == {"id": 2, "page.body": STORY}
    assert "page.body" in out[2]["error"]


def test_a_page_gets_text_and_metadata(cleaner):
    """A record with html gets its text and what the page says of itself; the record's own fields win; text wins over html."""
    page = {"id": 1, "html": PAGE, "url": "https://example.org/a"}
    failed, out = run(cleaner, page, {"id": 2, "html": PAGE, "title": "mine"}, {"id": 3, "html": PAGE, "text": STORY})
    assert failed == 0
    assert "two years of work" in out[0]["text"]
    assert (out[0]["title"], out[0]["author"], out[0]["date"]) == ("Library opens on the square", "Jane Roe", "2024-03-05")
    assert out[0]["html"] == PAGE
    assert out[1]["title"] == "mine"
    assert out[2] == {"id": 3, "html": PAGE, "text": STORY}


def test_a_page_that_takes_too_long(cleaner):
    """A page whose parser does not come to an end within the limit is one failure; the records around it are cleaned."""
    failed, out = run(cleaner, {"id": 1, "text": STORY}, {"id": 2, "html": PAGE}, {"id": 3, "text": STORY}, pages=Pages(time_limit=0.0001))
    assert failed == 1
    assert [row["id"] for row in out] == [1, 2, 3]
    assert "`html`" in out[1]["error"]


def test_a_page_lands_in_the_nested_field(cleaner):
    """With a nested field, the text of a page is put there."""
    _, out = run(cleaner, {"id": 1, "html": PAGE}, field="doc.body")
    assert "two years of work" in out[0]["doc"]["body"]


def test_segments(cleaner):
    """--segments adds every segment, with code points into the source and a verdict; kept ones make up the text."""
    text = f"😀 {STORY}\n{AD}"
    _, (out,) = run(cleaner, {"id": 1, "text": text}, segments=True)
    assert all(list(segment) == ["start", "end", "text", "label", "score", "kept"] for segment in out["segments"])
    assert all(text[segment["start"] : segment["end"]] == segment["text"] for segment in out["segments"])
    assert "".join("".join(s["text"] for s in out["segments"] if s["kept"]).split()) == "".join(out["text"].split())


@pytest.mark.parametrize("data", ["신문 한 줄\n둘째 줄\n", "[\n {},\n", "2024\n", "<html></html>"])
def test_plain_text_is_refused_with_advice(cleaner, data):
    """Somebody who pipes an article into the record filter is told about --text, before anything is written."""
    out = io.BytesIO()
    with pytest.raises(UsageError, match="--text"):
        clean_records(io.BytesIO(data.encode()), out, cleaner)
    assert out.getvalue() == b""


def test_a_broken_first_line_is_no_plain_text(cleaner):
    """Where records follow, a first line that is no JSON is one failure, not wrong usage."""
    failed, out = run(cleaner, b"garbage", {"id": 2, "text": STORY})
    assert failed == 1
    assert out[0]["id"] is None
    assert out[1]["text"] == STORY


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \r\n"])
def test_nothing_in_nothing_out(cleaner, data):
    """Empty input is no error."""
    out = io.BytesIO()
    assert clean_records(io.BytesIO(data), out, cleaner) == 0
    assert out.getvalue() == b""


def test_byte_order_mark_crlf_and_no_last_newline(cleaner):
    """What Windows programs write is read: a BOM, CRLF line ends, a last line without its end."""
    data = b"\xef\xbb\xbf" + json.dumps({"id": 1, "text": STORY}).encode() + b"\r\n" + json.dumps({"id": 2, "text": STORY}).encode()
    out = io.BytesIO()
    assert clean_records(io.BytesIO(data), out, cleaner) == 0
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == [1, 2]


def test_encoding(cleaner):
    """--encoding reads records of another character set; one whose line end is not one byte, or that nobody knows, is refused."""
    line = json.dumps({"id": 1, "text": STORY}, ensure_ascii=False)
    out = io.BytesIO()
    assert clean_records(io.BytesIO(line.encode("cp949")), out, cleaner, encoding="euc-kr") == 0
    assert json.loads(out.getvalue())["text"] == STORY
    for name in ("utf-16", "no-such", "rot13"):
        with pytest.raises(UsageError, match=name):
            clean_records(io.BytesIO(line.encode()), io.BytesIO(), cleaner, encoding=name)


def test_bulk_actions(cleaner):
    """Bulk format: an action and a source for each record, the id stable and fit for the endpoint, the raw page left out."""
    by_id, by_url = {"id": 5, "text": f"{STORY}\n{AD}"}, {"url": "https://example.org/1", "text": STORY}
    others = [{"text": STORY}, {"id": "길" * 400, "html": PAGE}, {"id": "", "text": ""}]
    failed, out = run(cleaner, by_id, {"_id": "m", "text": STORY}, by_url, *others, format="bulk")
    assert failed == 0
    actions, sources = out[::2], out[1::2]
    names = [action["index"]["_id"] for action in actions]
    assert [list(action) for action in actions] == [["index"]] * 6
    assert names[:2] == ["5", "m"]
    assert len(set(names)) == 6
    assert all(0 < len(name.encode()) <= 512 for name in names)
    assert WORD not in sources[0]["text"]
    assert not any("_id" in source or "html" in source for source in sources)
    again = run(cleaner, {"text": STORY}, {"url": "https://example.org/1", "text": "고친 글."}, format="bulk")[1]
    assert [action["index"]["_id"] for action in again[::2]] == [names[3], names[2]]


def test_bulk_failures_go_to_stderr(cleaner, capfd):
    """A bulk endpoint takes no failure lines: they go to stderr, and the rest is a valid body."""
    failed, out = run(cleaner, {"id": 1, "text": STORY}, {"id": 2}, format="bulk")
    assert failed == 1
    assert [list(row) for row in out] == [["index"], ["id", "text"]]
    assert json.loads(capfd.readouterr().err)["id"] == 2


def test_options_that_do_not_fit(cleaner):
    """Wrong options are wrong usage, before anything is read."""
    with pytest.raises(UsageError, match="jsonl or bulk"):
        clean_records(io.BytesIO(), io.BytesIO(), cleaner, format="csv")
    with pytest.raises(UsageError, match="--segments"):
        clean_records(io.BytesIO(), io.BytesIO(), cleaner, format="bulk", segments=True)


def test_the_same_verdicts_alone_and_in_a_flood(cleaner):
    """Batches are an economy: a record gets the same answer whatever else is in the pipe."""
    records = [{"id": i, "text": f"{STORY}\n{AD}" if i % 3 else STORY} for i in range(150)]
    _, together = run(cleaner, *records, segments=True)
    alone = [run(cleaner, record, segments=True)[1][0] for record in records[:3]]
    assert together[:3] == alone
    assert [row["id"] for row in together] == list(range(150))


def test_a_line_longer_than_a_read(cleaner):
    """A record that comes in many pieces is put together."""
    text = "\n".join(f"{STORY} {i}" for i in range(12_000))
    _, out = run(cleaner, {"id": 1, "text": text}, {"id": 2, "text": STORY})
    assert [len(row["text"]) > 100_000 for row in out] == [True, False]


def test_plain(cleaner):
    """Plain text is decoded, cleaned and given back; a binary is not text."""
    assert WORD not in clean_plain(f"{STORY}\n\n{AD}".encode("cp949"), cleaner, None)
    assert clean_plain(STORY.encode(), cleaner, "utf-8") == STORY
    with pytest.raises(ReadError):
        clean_plain(b"\x00\x01\x02\x00" * 50, cleaner, None)


def test_a_line_in_gives_a_line_out(cleaner):
    """The pipe never waits for more input while it holds a whole line."""
    (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
    lines_in, out = os.fdopen(read_in, "rb"), os.fdopen(write_out, "wb")
    with lines_in, out, os.fdopen(write_in, "wb", 0) as feed, os.fdopen(read_out, "rb") as answers:
        worker = threading.Thread(target=lambda: (clean_records(lines_in, out, cleaner), out.close()))
        worker.start()
        line = json.dumps({"id": 1, "text": STORY}).encode()
        for _ in range(3):
            feed.write(line + b"\n" + line[:40])  # a begun line must not hold up the whole one
            assert json.loads(answers.readline())["id"] == 1
            feed.write(line[40:] + b"\n")
            assert json.loads(answers.readline())["id"] == 1
        feed.close()
        worker.join(20)
        assert not worker.is_alive()
        assert answers.read() == b""


# --- through the command line ------------------------------------------------------------------------------------------


def command(*options):
    return [sys.executable, "-m", "cleaner.cli", "clean", "-", *options]


def start():
    pipe = subprocess.PIPE
    return subprocess.Popen(command(), stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT)


def once(data, *options):
    return subprocess.run(command(*options), input=data, capture_output=True, check=False, env=ENVIRONMENT, timeout=60)


def test_coprocess():
    """`cleaner clean -` kept open answers each record before the next is sent, and ends with status 1 if one failed."""
    with start() as process:
        for number, record in enumerate([{"id": "a", "text": f"{STORY}\n{AD}"}, {"id": "b"}, {"text": STORY}], 1):
            process.stdin.write(json.dumps(record).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer["id"] == record.get("id", number)
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(20) == 1


def test_command_line_records():
    """All done: status 0, the record on stdout, nothing on stderr."""
    done = once(json.dumps({"id": 1, "text": STORY}).encode())
    assert (done.returncode, json.loads(done.stdout)["text"], done.stderr) == (0, STORY, b"")


def test_command_line_plain_text():
    """Plain text: status 2 and advice without --text, the clean text with it."""
    refused = once(STORY.encode())
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"--text" in refused.stderr
    assert b"Traceback" not in refused.stderr
    taken = once(f"{STORY}\n\n{AD}".encode("cp949"), "--text")
    assert taken.returncode == 0
    assert taken.stdout.decode().startswith(STORY[:40])
    assert WORD not in taken.stdout.decode()


def test_command_line_bulk():
    """--format bulk and a nested --field reach the pipe."""
    bulk = once(json.dumps({"id": 1, "a": {"b": STORY}}).encode(), "--format", "bulk", "--field", "a.b")
    assert [json.loads(line) for line in bulk.stdout.splitlines()] == [{"index": {"_id": "1"}}, {"id": 1, "a": {"b": STORY}}]


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_interrupt_ends_without_a_traceback():
    """Ctrl-C in the middle of a stream: status 130, and no traceback."""
    with start() as process:
        process.stdin.write(json.dumps({"id": 1, "text": STORY}).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert b"Traceback" not in process.stderr.read()
