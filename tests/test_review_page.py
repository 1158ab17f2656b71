"""The review page in a real browser: headless Chromium, opened from disk."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cleaner.corpus import LabelledDocument, load
from cleaner.judged import Judged, Run, label_runs
from cleaner.model import Policy
from cleaner.review import page, select

selenium = pytest.importorskip("selenium", reason="selenium is not installed (pip install 'article-cleaner[test-browser]')")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
if not (CHROMIUM and CHROMEDRIVER):
    pytest.skip("no Chromium with chromedriver on this machine", allow_module_level=True)

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

LABELS = ("editorial", "caption", "byline", "ad", "boilerplate")
POLICY = Policy(("editorial", "caption", "byline"), 0.8)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,900",
)


def judged(ident, lines, scores, lang="ko", group="한빛일보", *, person=False, verdicts=None):
    """A document with hand-made verdicts: lines of (text, label), a score for each run."""
    document = LabelledDocument(
        ident, lang, group, "web", tuple(t for t, _ in lines), tuple(name if t.strip() else None for t, name in lines)
    )
    places = [
        (i, start, end, name)
        for i, (text, label) in enumerate(zip(document.lines, document.labels))
        for start, end, name in label_runs(text, label)
    ]
    runs = []
    for k, ((line, start, end, name), score) in enumerate(zip(places, scores)):
        verdict = verdicts[k] if verdicts else name
        alone = tuple(0.8 if label == verdict else 0.05 for label in LABELS)
        runs.append(Run(line, start, end, name, verdict, score, score < POLICY.threshold, alone))
    return Judged(document, tuple(runs), person)


KO = judged(
    "ko/1.txt",
    [
        ("한빛시, 내년 봄 새 도서관 연다", "editorial"),
        ("", None),
        ("한빛시는 12일 시립도서관을 내년 4월 개관한다고 밝혔다. 😀 장서는 8만 권이다. ▶ 한빛일보 구독하기", "editorial"),
        ("박가람 기자 garam@hanbit.example", "byline"),
        ("잘들려보청기 한빛점 062) 555-0100", "ad"),
        ("무이자 12개월 할부", "ad"),
        ("첫 방문 고객 무료 청력검사", "ad"),
    ],
    [0.02, 0.3, 0.1, 0.99, 0.85, 0.97],
)
AR = judged(
    "ar/2.html",
    [("افتتحت البلدية مكتبة عامة جديدة تضم نحو 12,000 كتاب.", "editorial"), ("اشترك في نشرتنا اليومية", "boilerplate")],
    [0.01, 0.9],
    "ar",
    "sahifa",
)
EN = judged(
    "en/3.txt", [("The council met on Monday.", "editorial"), ("Sign up for our newsletter", "boilerplate")], [0.01, 0.999], "en", "Gazette"
)
HOSTILE_LINES = [
    "</script><script>window.hacked=1</script> title",
    '<img src=x onerror="window.hacked=1"> <b>bold</b> &amp; {{data}}',
    "The file is \u202egnp.exe\u202c and \u2066isolated\u2069, zero\u200bwidth, nul \x00, lone \ud83d end",
    "<!-- ]]> 😀 👩\u200d💻 \u2028 line \U000e0041 tag",
]
HOSTILE = judged(
    "</script><svg onload=window.hacked=1>", [(line, "editorial") for line in HOSTILE_LINES], [0.5, 0.4, 0.3, 0.2], "en", "'\"><i>"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    # Corrections of an earlier test must not come back: a page opened as new starts with nothing remembered.
    fresh = "if (location.search === '?fresh') localStorage.clear();"
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": fresh})
    yield driver
    driver.quit()


class Page:
    """What a person can do with the page, and see of it."""

    def __init__(self, driver, folder: Path):
        self.driver, self.folder, self.path = driver, folder, folder / "review.html"

    def open(self, *documents, **options):
        selection = select(documents, POLICY, LABELS)
        self.path.write_text(page(selection, POLICY, LABELS, **options), encoding="utf-8", newline="\n")
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.folder)})
        self.driver.get_log("browser")
        return self.reload("?fresh")

    def reload(self, query=""):
        kept = "return JSON.stringify(localStorage)"
        if not query:  # the page remembers a moment after the last change, or when it is left: now, whatever else the machine does
            self.driver.execute_script("dispatchEvent(new Event('pagehide'))")
        before = None if query else self.driver.execute_script(kept)
        time.sleep(0.6)
        deadline = time.monotonic() + 60
        while True:
            self.driver.get(self.path.as_uri() + query)
            # What a page stores reaches the next one some time later, in a new profile on a busy machine seconds later.
            if query or self.driver.execute_script(kept) == before or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        assert self.driver.find_element(By.TAG_NAME, "body").get_attribute("data-ready") == "yes"
        return self

    def keys(self, *keys):
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
        return self

    def word_left(self, times=1):
        for _ in range(times):
            ActionChains(self.driver).key_down(Keys.CONTROL).send_keys(Keys.ARROW_LEFT).key_up(Keys.CONTROL).perform()
        return self

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    @property
    def labels(self):
        return [chip.text for chip in self.all("#text .run .chip")]

    @property
    def words(self):
        # As JSON: a lone surrogate does not pass between driver and browser.
        return json.loads(
            self.driver.execute_script("return JSON.stringify([...document.querySelectorAll('#text .words')].map(w => w.textContent))")
        )

    @property
    def cursor(self):
        return int(self.one("#text .run.cursor").get_attribute("data-k"))

    @property
    def title(self):
        return self.one("#about .id").text

    def errors(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def save(self, how=None):
        before = set(self.folder.glob("*.jsonl"))
        (how or (lambda: self.one("#save").click()))()
        deadline = time.monotonic() + 10
        while not (new := set(self.folder.glob("*.jsonl")) - before):
            assert time.monotonic() < deadline, "nothing was downloaded"
            time.sleep(0.05)
        (file,) = new
        return file


@pytest.fixture
def sheet(browser, tmp_path):
    return Page(browser, tmp_path)


def go_to(sheet, title):
    """Turn the pages until the document is there."""
    sheet.keys("ppp")
    while sheet.title != title:
        sheet.keys("n")


def test_opens_at_what_is_worth_a_look(sheet):
    """The page opens without an error, fetches nothing, and stands at the first segment worth a look of the most telling document."""
    sheet.open(EN, AR, KO)
    assert sheet.title == "ko/1.txt"
    assert sheet.labels == ["editorial", "editorial", "byline", "ad", "ad", "ad"]
    assert sheet.cursor == 1
    assert sheet.errors() == []
    assert sheet.driver.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_relabel_by_keyboard_reload_undo(sheet):
    """A digit sets a label; it survives a reload; u takes it back and U brings it again."""
    sheet.open(KO, EN)
    sheet.keys("j", "5")
    assert sheet.labels[2] == "boilerplate"
    assert sheet.one("#progress").text == "1 of 2 looked at · 1 corrected"
    sheet.reload()
    assert sheet.labels[2] == "boilerplate"
    sheet.keys("4", "u")
    assert sheet.labels[1] == "editorial"
    assert sheet.labels[2] == "boilerplate"
    sheet.keys("U")
    assert sheet.labels[1] == "ad"


def test_relabel_by_mouse(sheet):
    """A click takes a segment, a click on a label in the panel sets it; the label beside a segment opens a menu."""
    sheet.open(KO)
    sheet.all("#text .words")[4].click()
    assert sheet.cursor == 4
    sheet.all("#labels .choice")[0].click()
    assert sheet.labels[4] == "editorial"
    sheet.all("#text .chip")[5].click()
    sheet.all("#menu .choice")[4].click()
    assert sheet.labels[5] == "boilerplate"
    assert sheet.labels[4] == "editorial"
    sheet.one("#undo").click()
    assert sheet.labels[5] == "ad"


def test_split_label_join(sheet):
    """s shows a likely cut and cuts there; each part gets its label; m joins them again; segments of two lines stay apart."""
    sheet.open(KO)
    sheet.keys("s", Keys.END).word_left().keys("s")
    assert sheet.words[1:3] == ["한빛시는 12일 시립도서관을 내년 4월 개관한다고 밝혔다. 😀 장서는 8만 권이다. ▶ 한빛일보 ", "구독하기"]
    sheet.keys("5")
    assert sheet.labels[:4] == ["editorial", "editorial", "boilerplate", "byline"]
    sheet.keys("k", "m")
    assert len(sheet.words) == 6
    assert sheet.labels[1] == "editorial"
    sheet.keys("m")
    assert len(sheet.words) == 6
    assert "another line" in sheet.one("#status").text
    sheet.keys("u", "u", "u")
    assert len(sheet.words) == 6
    assert sheet.one("#progress").text.endswith("0 corrected")


def test_saved_file_is_a_corpus(sheet):
    """The saved file loads as a corpus: by a person, only documents looked at, offsets in code points though an emoji stands before."""
    sheet.open(KO, EN, AR)
    sheet.keys("s", Keys.END).word_left(3).keys("s", "5")
    go_to(sheet, "en/3.txt")
    sheet.keys("c")
    saved = {document.id: document for document in load([sheet.save(lambda: sheet.keys("S"))])}
    assert set(saved) == {"ko/1.txt", "en/3.txt"}
    document = saved["ko/1.txt"]
    assert document.by == "person"
    assert document.lines == KO.document.lines
    line = document.lines[2]
    assert document.labels == ("editorial", None, ((0, "editorial"), (line.index("▶"), "boilerplate")), "byline", "ad", "ad", "ad")
    assert document.extra["confirmed"] == [2]
    assert "confirmed" not in saved["en/3.txt"].extra
    assert (document.lang, document.group, document.kind) == ("ko", "한빛일보", "web")


def test_drag_over_a_part_labels_that_part(sheet):
    """Text selected with the mouse and a digit: that part becomes a segment of its own, also where the cursor stood in it."""
    sheet.open(KO)
    words = sheet.all("#text .words")[3]
    words.click()
    box = sheet.driver.execute_script(
        "const r = document.createRange(), t = document.querySelectorAll('#text .words')[3].firstChild; r.setStart(t, 0); r.setEnd(t, 6);"
        "const b = r.getBoundingClientRect(); return [b.left, b.right, b.top + b.height / 2]"
    )
    left, right, middle = (round(value) for value in box)
    actions = ActionChains(sheet.driver)
    actions.w3c_actions.pointer_action.move_to_location(left + 1, middle)
    actions.w3c_actions.pointer_action.pointer_down()
    actions.w3c_actions.pointer_action.move_to_location(right, middle)
    actions.w3c_actions.pointer_action.pointer_up()
    actions.perform()
    sheet.keys("1")
    assert sheet.words[3:5] == ["잘들려보청기 ", "한빛점 062) 555-0100"]
    assert sheet.labels[3:5] == ["editorial", "ad"]


def test_block(sheet):
    """b takes all neighbours with the same label, a digit sets it for all of them, one undo takes it back."""
    sheet.open(KO)
    sheet.keys("j", "j", "j", "b", "5")
    assert sheet.labels == ["editorial", "editorial", "byline", "boilerplate", "boilerplate", "boilerplate"]
    sheet.keys("u")
    assert sheet.labels[3:] == ["ad", "ad", "ad"]
    sheet.keys("J", "2")
    assert sheet.labels[3:] == ["caption", "caption", "ad"]


def test_enter_confirms_and_goes_on(sheet):
    """Enter leaves the label, notes that a person confirmed it, and goes to the next segment worth a look, in any document."""
    sheet.open(KO, EN, AR)
    assert sheet.cursor == 1
    sheet.keys(Keys.ENTER)
    assert (sheet.title, sheet.cursor) == ("ko/1.txt", 4)
    sheet.keys(Keys.ENTER)
    assert sheet.title != "ko/1.txt"
    row = json.loads(sheet.save().read_text(encoding="utf-8").splitlines()[0])
    assert row["confirmed"] == [2, 5]


@pytest.mark.parametrize("open_it", ["first", "hangul"])
def test_keys_of_another_script(sheet, open_it):
    """The keys work while the keyboard writes Hangul: their place on the board counts."""
    sheet.open(KO)
    key = {"first": "j", "hangul": "ㅓ"}[open_it]
    sheet.driver.execute_script(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], code: 'KeyJ', bubbles: true}))", key
    )
    assert sheet.cursor == 2


def test_hostile_text_is_shown_as_text(sheet):
    """Markup, event attributes, bidi controls, NUL and lone surrogates in the data are shown and saved as they are; nothing runs."""
    sheet.open(
        HOSTILE,
        title="</title><script>window.hacked=1</script>",
        reasons=lambda _, runs: [["<img src=x onerror=window.hacked=1>"] for _ in runs],
    )
    time.sleep(0.2)
    assert sheet.driver.execute_script("return window.hacked") is None
    assert sheet.driver.execute_script("return document.querySelectorAll('img, svg, b, iframe').length") == 0
    assert len(sheet.driver.execute_script("return [...document.scripts].map(s => s.type)")) == 2
    assert sheet.words[0] == HOSTILE_LINES[0]
    assert sheet.words[1] == HOSTILE_LINES[1]
    assert [mark.get_property("textContent") for mark in sheet.all("#text .hidden")] == [
        "RLO",
        "PDF",
        "LRI",
        "PDI",
        "ZWSP",
        "U+0000",
        "U+2028",
        "U+E0041",
    ]
    sheet.keys("c")
    row = json.loads(sheet.save().read_text(encoding="utf-8"))
    assert row["lines"] == HOSTILE_LINES
    assert row["id"] == HOSTILE.document.id
    assert sheet.errors() == []


def test_policy_stops_foreign_script(sheet):
    """The content policy lets no script run but the page's own, even if one were put into it."""
    sheet.open(EN)
    sheet.driver.execute_script("const s = document.createElement('b'); s.textContent = 'x'; document.body.append(s)")
    for attempt in (
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')",
        "const s = document.createElement('script'); s.textContent = 'window.hacked=1'; document.body.append(s)",
        "const i = document.createElement('img'); i.src = 'https://example.org/x.png'; document.body.append(i)",
    ):
        sheet.driver.execute_script(f"try {{ {attempt} }} catch {{}}")
    time.sleep(0.2)
    assert sheet.driver.execute_script("return window.hacked") is None
    assert any("Content Security Policy" in entry["message"] for entry in sheet.errors())


def test_caret_counts_hidden_characters(sheet):
    """A cut after a hidden character, whose mark is drawn wider than one character, falls where it was put."""
    sheet.open(judged("h", [("ab\u202e\U000e0041c ef gh", "editorial")], [0.5], "en", "g"))
    sheet.keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 6, "s", "4")
    row = json.loads(sheet.save().read_text(encoding="utf-8"))
    assert row["labels"] == [[[0, "editorial"], [6, "ad"]]]


def test_right_to_left(sheet):
    """Arabic stands from right to left, Korean from left to right, each told its language."""
    sheet.open(AR, KO)
    go_to(sheet, "ar/2.html")
    assert sheet.driver.execute_script("return getComputedStyle(document.querySelector('#text .words')).direction === 'rtl'")
    assert sheet.one("#text").get_attribute("lang") == "ar"
    go_to(sheet, "ko/1.txt")
    assert sheet.driver.execute_script("return getComputedStyle(document.querySelector('#text .words')).direction === 'ltr'")


def test_filters_and_search(sheet):
    """Search, label, group and score narrow the list of documents; f goes from one fitting segment to the next; Clear ends it."""
    sheet.open(KO, EN, AR)
    entries = lambda: [entry.get_attribute("data-number") for entry in sheet.all(".entry")]  # noqa: E731
    assert len(entries()) == 3
    sheet.keys("/", "NEWSLETTER", Keys.ESCAPE)
    time.sleep(0.3)
    assert sheet.title == "en/3.txt"
    assert [mark.text for mark in sheet.all("#text mark")] == ["newsletter"]
    assert len(entries()) == 1
    sheet.one("#clear").click()
    assert len(entries()) == 3
    sheet.one("#least").send_keys("0.95")
    time.sleep(0.3)
    assert sorted(entries()) == ["0", "2"] or len(entries()) == 2
    sheet.one("#clear").click()
    sheet.one("#label").send_keys("byline")
    assert len(entries()) == 1
    assert (sheet.title, sheet.cursor) == ("ko/1.txt", 2)
    sheet.one("#clear").click()
    sheet.one("#group").send_keys("gaz")
    time.sleep(0.3)
    assert sheet.title == "en/3.txt"


def test_a_label_of_ones_own(sheet):
    """A label that the model does not know can be added, set by its key, kept across a reload, and saved."""
    sheet.open(EN, more_labels=["comment"])
    sheet.keys("j", "6")
    assert sheet.labels[1] == "comment"
    sheet.one("#more").click()
    sheet.one("#name").send_keys("sponsored" + Keys.ENTER)
    time.sleep(0.3)
    assert sheet.labels[1] == "sponsored"
    sheet.reload()
    assert sheet.labels[1] == "sponsored"
    assert load([sheet.save()])[0].labels == ("editorial", "sponsored")


def test_labels_and_model_disagree(sheet):
    """In a labelled document the labels are the person's; where the model says otherwise, that is named and comes first."""
    agreed = judged("agreed", [("Fine line here.", "editorial")], [0.01], "en", "g", person=True)
    other = judged(
        "other",
        [("Fine line here.", "editorial"), ("Cheap flights today", "editorial")],
        [0.01, 0.99],
        "en",
        "g",
        person=True,
        verdicts=["editorial", "ad"],
    )
    sheet.open(agreed, other)
    assert (sheet.title, sheet.cursor) == ("other", 1)
    assert sheet.labels[1] == "editorial"
    assert "label and model disagree" in sheet.one("#evidence").text
    assert "Dropped as ad" in sheet.one("#evidence").text


def test_labels_of_a_person_stay_confirmed(sheet):
    """To correct one line of a document that a person has labelled does not take the other labels back."""
    whole = judged("whole", [("Fine line here.", "editorial"), ("Cheap flights", "ad")], [0.01, 0.99], "en", "g", person=True)
    part = judged("part", [("Fine line here.", "editorial"), ("Cheap trips", "ad")], [0.01, 0.99], "en", "g", person=True)
    part = replace(part, document=replace(part.document, extra={"confirmed": [1]}))
    sheet.open(whole, part)
    for name in ("whole", "part"):
        go_to(sheet, name)
        sheet.keys("k", "2")
    saved = {document.id: document for document in load([sheet.save()])}
    assert saved["whole"].confirmed is None
    assert saved["part"].confirmed == {0, 1}


def test_two_thousand_documents(sheet):
    """2,000 documents of twenty segments open in a few seconds; only those in sight are drawn; a search through all is quick."""
    many = []
    for n in range(2000):
        lines = [(f"{n}번째 기사의 {i}번째 문장이다. 시청 앞 광장에서 행사가 열렸다.", "editorial") for i in range(20)]
        many.append(judged(f"d{n}.txt", lines, [((n * 31 + i * 7) % 100) / 100 for i in range(20)], "ko", f"신문 {n % 40}"))
    sheet.open(*many)
    assert sheet.driver.execute_script("return performance.now()") < 5000
    assert len(sheet.all(".entry")) < 60
    started = time.perf_counter()
    sheet.keys("/", "1999번째 기사", Keys.ENTER)
    while sheet.one("#matches").text != "1 of 2000 documents":
        assert time.perf_counter() - started < 5
        time.sleep(0.05)
    assert sheet.title == "d1999.txt"


def test_help_lists_the_keys(sheet):
    """? shows the keys, Escape puts them away, and no key works behind them."""
    sheet.open(KO)
    sheet.keys("?")
    assert sheet.one("#keys").get_property("open")
    sheet.keys("4")
    assert sheet.labels[1] == "editorial"
    sheet.keys(Keys.ESCAPE)
    assert not sheet.one("#keys").get_property("open")


def test_saved_files_sort_as_they_were_saved(sheet):
    """Of two saves of one page the later has the later name: where both label one text, the last counts."""
    sheet.open(KO, EN)
    sheet.keys("j", "5")
    first = sheet.save()
    time.sleep(1.1)
    sheet.keys("4")
    second = sheet.save()
    assert first.name < second.name
    assert first.name.startswith("labels-")
