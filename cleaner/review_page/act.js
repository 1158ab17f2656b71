// What a person does to a document: move, label, split, join, confirm, undo, save.

// --- moving ----------------------------------------------------------------------------------------------------------

function moveTo(k, { keep = false } = {}) {
  const runs = runsOf(store.at), before = view.cursor, blockBefore = view.until;
  view.cursor = Math.max(0, Math.min(k, runs.length - 1));
  if (!keep) view.until = view.cursor;
  const caretWas = view.caret >= 0;
  view.caret = -1;
  if (caretWas || before !== view.cursor || blockBefore !== view.until) redress(caretWas && runs[before] ? [before] : []);
  show();
  drawPanel();
}

function show() { $("text").children[view.cursor]?.scrollIntoView({ block: "nearest" }); }

// Open a document at a run, or else at the first one to stop at.
function openDocument(number, k = -1) {
  const runs = runsOf(number);
  store.at = number;
  view.cursor = view.until = k >= 0 ? k : Math.max(0, runs.findIndex((_, i) => stops(number, runs, i)));
  view.caret = -1;
  drawDocument();
  drawList();
  $("reader").scrollTop = 0;
  show();
  remember();
}

function turn(by) {
  const place = view.shown.indexOf(store.at) + by;
  if (place >= 0 && place < view.shown.length) openDocument(view.shown[place]);
  else say(by > 0 ? "That was the last document." : "This is the first document.");
}

// The next segment to stop at, in this document or a later one.
function seek(by) {
  let place = view.shown.indexOf(store.at), k = view.cursor + by;
  while (place >= 0 && place < view.shown.length) {
    const number = view.shown[place], runs = runsOf(number);
    for (; k >= 0 && k < runs.length; k += by) {
      if (stops(number, runs, k)) {
        if (number === store.at) moveTo(k); else openDocument(number, k);
        return true;
      }
    }
    place += by;
    k = by > 0 ? 0 : place >= 0 ? runsOf(view.shown[place]).length - 1 : 0;
  }
  say(filtersRuns() ? "Nothing more fits the filter." : "Nothing more is worth a look.");
  return false;
}

// --- changing --------------------------------------------------------------------------------------------------------

function afterChange(whole) {
  if (whole) { drawDocument(); show(); } else drawDocumentPart();
  drawList(false);
  drawProgress();
}

function drawDocumentPart() {
  const low = Math.min(view.cursor, view.until), high = Math.max(view.cursor, view.until);
  redress(Array.from({ length: high - low + 1 }, (_, i) => low + i));
  drawAbout(store.at, opened(store.at));
  drawPanel();
}

function selectedPart() {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const within = selection.anchorNode?.nodeType === 1 ? selection.anchorNode : selection.anchorNode?.parentElement;
  const words = within?.closest(".words");
  if (!words || !words.contains(selection.focusNode)) return null;
  const k = Number(words.parentElement.dataset.k), start = runsOf(store.at)[k].start;
  const ends = [offsetIn(words, selection.anchorNode, selection.anchorOffset), offsetIn(words, selection.focusNode, selection.focusOffset)];
  const [from, to] = ends.map((offset) => offset + start).sort((a, b) => a - b);
  return to > from ? { k, from, to } : null;
}

function give(label) {
  if (!view.shown.length || label >= labels.length) return;
  const part = selectedPart();
  if (part) {
    view.cursor = view.until = labelPart(store.at, part.k, part.from, part.to, label);
    view.caret = -1;
    getSelection().removeAllRanges();
    afterChange(true);
  } else {
    const low = Math.min(view.cursor, view.until), high = Math.max(view.cursor, view.until);
    setLabel(store.at, low, high, label);
    afterChange(false);
    if (high > low) { view.cursor = view.until = low; redress(); }
  }
}

function takeBlock() {
  const runs = runsOf(store.at), label = runs[view.cursor]?.label;
  let low = view.cursor, high = view.cursor;
  while (low > 0 && runs[low - 1].label === label) low--;
  while (high + 1 < runs.length && runs[high + 1].label === label) high++;
  view.cursor = low;
  view.until = high;
  view.caret = -1;
  redress();
  drawPanel();
  say(`${high - low + 1} segments taken; a label sets it for all of them, Esc lets go.`);
}

// A likely place to cut: after a sentence, before a mark that opens something else; failing these, between words.
function likelyCut(text) {
  const middle = text.length / 2;
  const likely = [/(?<=[.!?。！？]["'”’)\]]*)\s+(?=\S)/gu, /\s+(?=[▶▷☞※ⓒ©■◆★☎[(<【])/gu, /(?<=[。！？])(?=\S)/gu, /\s+(?=\S)/gu];
  for (const pattern of likely) {
    const places = [...text.matchAll(pattern)].map((match) => match.index + match[0].length).filter((at) => at > 0 && at < text.length);
    if (places.length) return places.reduce((best, at) => (Math.abs(at - middle) < Math.abs(best - middle) ? at : best));
  }
  return Math.max(1, Math.floor(middle));
}

function split() {
  const runs = runsOf(store.at), run = runs[view.cursor];
  if (!run) return;
  const selected = selectedPart();
  if (selected) { view.cursor = view.until = selected.k; view.caret = selected.from; }
  if (view.caret < 0) {
    placeCaret(run.start + likelyCut(textOf(store.at, runs, view.cursor)));
    say("← and → move the cursor, s cuts there.");
    return;
  }
  const at = view.caret;
  view.caret = -1;
  if (splitRun(store.at, view.cursor, at)) { view.cursor++; view.until = view.cursor; afterChange(true); } else {
    redress([view.cursor]);
    say("There is nothing to cut off here: put the cursor between two words.");
  }
}

function join() {
  if (joinRun(store.at, view.cursor)) { view.caret = -1; view.until = view.cursor; afterChange(true); }
  else say("The next segment is on another line; a segment stays within its line.");
}

function placeCaret(at) {
  const runs = runsOf(store.at), end = endOf(store.at, runs, view.cursor);
  view.caret = Math.max(runs[view.cursor].start, Math.min(at, end));
  view.until = view.cursor;
  redress([view.cursor]);
}

function moveCaret(by, words) {
  const runs = runsOf(store.at), run = runs[view.cursor], line = opened(store.at).lines[run.line];
  let at = view.caret < 0 ? (by > 0 ? run.start : endOf(store.at, runs, view.cursor)) : view.caret;
  do {
    at += by;
    if (at > 0 && at < line.length && /[\udc00-\udfff]/.test(line[at]) && /[\ud800-\udbff]/.test(line[at - 1])) at += by;
  } while (words && at > run.start && at < endOf(store.at, runs, view.cursor) && !(/\s/.test(line[at - 1]) && /\S/.test(line[at])));
  placeCaret(at);
}

function confirm() {
  if (!view.shown.length) return;
  const low = Math.min(view.cursor, view.until), high = Math.max(view.cursor, view.until);
  confirmRuns(store.at, low, high);
  afterChange(false);
  view.cursor = view.until = high;
  seek(1);
}

function finish() {
  if (!view.shown.length) return;
  const number = store.at, place = view.shown.indexOf(number);
  const next = [...view.shown.slice(place + 1), ...view.shown.slice(0, place)].find((other) => doneOf(other) < 2);
  const read = doneOf(number) === 2;
  setDone(number, read ? 0 : 2, view.cursor);
  drawDocument();
  drawList(false);
  if (read) return;
  if (next !== undefined) openDocument(next); else say("Every document here has been looked at. Save them with S.");
}

function travel(step) {
  if (!step) { say("Nothing to undo."); return; }
  openDocument(step.number, Math.min(step.cursor ?? 0, runsOf(step.number).length - 1));
  drawProgress();
}

function save() {
  const n = download();
  drawProgress();
  if (n) say(`Saved ${n} document${n === 1 ? "" : "s"} as labels-${head.digest.slice(0, 8)}.jsonl.`);
  else say("Nothing to save yet: correct a label, or mark a document as looked at with c.");
}
