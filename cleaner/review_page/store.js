// What the page knows: the documents as they came, a person's corrections on top, undo, and the file that is saved.
// Offsets inside a line are UTF-16 units here and code points in the data and in the file.

const rows = document.getElementById("data").textContent.trim().split("\n");
const head = JSON.parse(rows[0]);
const labels = head.labels.slice();
const keptLabels = new Set(head.keep);
const LOOK = { close: 1, droppedEditorial: 2, keptAd: 4, disagrees: 8, chosen: 16 };
const storageKey = "article-cleaner/review/" + head.digest;

const store = {
  count: head.documents.length,
  opened: new Map(), // number -> document as it came
  edits: new Map(), // number -> {runs, done}; done: 0 no, 1 a run in it was corrected or confirmed, 2 read from top to bottom
  undone: [],
  history: [],
  at: 0,
  saved: 0, // changes that the last saved file holds
  changes: 0,
  storageFails: false,
};

function isKept(label) { return keptLabels.has(labels[label]); }

function utf16(text, points) {
  let units = 0;
  for (let i = 0; i < points && units < text.length; i++) units += text.codePointAt(units) > 0xffff ? 2 : 1;
  return units;
}

function codePoints(text, units) {
  let points = 0;
  for (let i = 0; i < units; points++) i += text.codePointAt(i) > 0xffff ? 2 : 1;
  return points;
}

// A document as it came. Runs are {line, start, label, own, from}; `from` numbers the run as it came, for its evidence.
function opened(number) {
  let found = store.opened.get(number);
  if (!found) {
    const row = JSON.parse(rows[number + 1]);
    const came = row.runs.map(([line, start, label, verdict, score, kept, look, alone]) =>
      ({ line, start: start ? utf16(row.lines[line], start) : 0, label, verdict, score, kept: !!kept, look, alone }));
    found = { ...row, came, start: came.map((run, from) => ({ line: run.line, start: run.start, label: run.label, own: false, from })) };
    store.opened.set(number, found);
  }
  return found;
}

function runsOf(number) { return store.edits.get(number)?.runs ?? opened(number).start; }
function doneOf(number) { return store.edits.get(number)?.done ?? 0; }
function touched(number) { return Math.max(doneOf(number), 1); }
function cameFrom(number, run) { return opened(number).came[run.from]; }

function endOf(number, runs, k) {
  const next = runs[k + 1];
  return next && next.line === runs[k].line ? next.start : opened(number).lines[runs[k].line].length;
}

function textOf(number, runs, k) {
  return opened(number).lines[runs[k].line].slice(runs[k].start, endOf(number, runs, k));
}

function isChanged(number, run) { return run.own && run.label !== cameFrom(number, run).label; }

// Every change goes through here: the new state of one document, with the old one kept for undo.
function change(number, runs, done, cursor) {
  const before = store.edits.get(number);
  store.history.push({ number, before, after: { runs, done }, cursor });
  store.undone.length = 0;
  put(number, { runs, done });
}

function put(number, edit) {
  if (edit) store.edits.set(number, edit); else store.edits.delete(number);
  store.changes++;
  remember();
}

function undo() {
  const step = store.history.pop();
  if (!step) return null;
  store.undone.push(step);
  put(step.number, step.before);
  return step;
}

function redo() {
  const step = store.undone.pop();
  if (!step) return null;
  store.history.push(step);
  put(step.number, step.after);
  return step;
}

function setLabel(number, from, to, label) {
  const runs = runsOf(number).map((run, k) => (k >= from && k <= to ? { ...run, label, own: true } : run));
  change(number, runs, touched(number), from);
}

function confirmRuns(number, from, to) {
  const runs = runsOf(number).map((run, k) => (k >= from && k <= to ? { ...run, own: true } : run));
  change(number, runs, touched(number), from);
}

// The space between two runs belongs to the first.
function afterSpace(line, at, end) {
  while (at < end && /\s/.test(line[at])) at++;
  return at;
}

// Cut a run in two at an offset within its line. False where nothing visible would stand on one side.
function splitRun(number, k, offset) {
  const runs = runsOf(number), run = runs[k], line = opened(number).lines[run.line];
  const end = endOf(number, runs, k), at = afterSpace(line, offset, end);
  if (at >= end || !line.slice(run.start, at).trim()) return false;
  const after = runs.slice();
  after.splice(k, 1, { ...run, own: true }, { ...run, start: at, own: true });
  change(number, after, touched(number), k);
  return true;
}

function joinRun(number, k) {
  const runs = runsOf(number);
  if (!runs[k + 1] || runs[k + 1].line !== runs[k].line) return false;
  const after = runs.slice();
  after.splice(k, 2, { ...runs[k], own: true });
  change(number, after, touched(number), k);
  return true;
}

// Give a label to a part of a run; what stands before and behind it keeps the old one. The number of the labelled run.
function labelPart(number, k, from, to, label) {
  const runs = runsOf(number), run = runs[k], line = opened(number).lines[run.line], end = endOf(number, runs, k);
  from = afterSpace(line, from, to);
  to = afterSpace(line, to, end);
  if (!line.slice(run.start, from).trim()) from = run.start;
  const parts = [];
  if (from > run.start) parts.push({ ...run, own: true });
  parts.push({ ...run, start: from, label, own: true });
  if (to < end) parts.push({ ...run, start: to, own: true });
  const after = runs.slice();
  after.splice(k, 1, ...parts);
  const place = k + (from > run.start ? 1 : 0);
  change(number, after, touched(number), place);
  return place;
}

function setDone(number, done, cursor) { change(number, runsOf(number), done, cursor); }

function resetDocument(number) {
  if (store.edits.has(number)) change(number, opened(number).start, 0, 0);
}

function addLabel(name, kept) {
  const place = labels.indexOf(name);
  if (place >= 0) return place;
  labels.push(name);
  if (kept) keptLabels.add(name);
  remember();
  return labels.length - 1;
}

function counts() {
  let done = 0, corrected = 0;
  for (const [number, edit] of store.edits) {
    if (!edit.done) continue;
    done++;
    for (const run of edit.runs) if (isChanged(number, run)) corrected++;
  }
  return { done, corrected };
}

// --- kept across reloads ---------------------------------------------------------------------------------------------

let remembering = 0;

function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(rememberNow, 150);
}

function rememberNow() {
  clearTimeout(remembering);
  const documents = {};
  for (const [number, edit] of store.edits) {
    documents[number] = [edit.done, edit.runs.map((run) => [run.line, run.start, run.label, run.own ? 1 : 0, run.from])];
  }
  const added = labels.slice(head.labels.length).map((name) => [name, keptLabels.has(name)]);
  try {
    localStorage.setItem(storageKey, JSON.stringify({ at: store.at, added, documents, changes: store.changes, saved: store.saved }));
    store.storageFails = false;
  } catch {
    if (!store.storageFails) say("This browser keeps nothing for this page: save before you close it.");
    store.storageFails = true;
  }
}

// What an earlier visit left. Anything that does not fit this data is passed over.
function recall() {
  try {
    const found = JSON.parse(localStorage.getItem(storageKey) ?? "null");
    if (found) putBack(found);
  } catch {
    store.edits.clear();
  }
}

function putBack(found) {
  for (const [name, kept] of found.added ?? []) {
    if (typeof name === "string" && !labels.includes(name)) { labels.push(name); if (kept) keptLabels.add(name); }
  }
  for (const [key, [done, flat]] of Object.entries(found.documents ?? {})) {
    const number = Number(key);
    if (!(number < store.count)) continue;
    const came = opened(number).came.length;
    const runs = flat.map(([line, start, label, own, from]) => ({ line, start, label, own: !!own, from }));
    if (runs.every((run) => run.from < came && run.label < labels.length)) store.edits.set(number, { runs, done });
  }
  store.at = Math.min(found.at ?? 0, Math.max(store.count - 1, 0));
  store.changes = found.changes ?? 0;
  store.saved = found.saved ?? 0;
}

// --- the file --------------------------------------------------------------------------------------------------------

// One document in the corpus format. `confirmed` names the lines a person set or confirmed, where it was not all of them.
function corpusRow(number) {
  const source = opened(number), runs = runsOf(number);
  const found = source.lines.map(() => null), own = new Set();
  runs.forEach((run) => {
    const place = (found[run.line] ??= []);
    if (!place.length || place[place.length - 1][1] !== run.label) place.push([run.start, run.label]);
    if (run.own) own.add(run.line);
  });
  const given = found.map((place, line) => {
    if (!place) return null;
    if (place.length === 1) return labels[place[0][1]];
    return place.map(([start, label]) => [codePoints(source.lines[line], start), labels[label]]);
  });
  const row = { id: source.id, lang: source.lang, group: source.group, kind: source.kind, lines: source.lines, labels: given, by: "person" };
  for (const [key, value] of Object.entries(source.extra)) if (!(key in row) && key !== "confirmed") row[key] = value;
  const before = source.person ? source.extra.confirmed : []; // labels by a person are confirmed already, all or some of them
  if (doneOf(number) < 2 && before) row.confirmed = [...new Set([...before, ...own])].sort((a, b) => a - b);
  return row;
}

function savedText() {
  const lines = [];
  for (let number = 0; number < store.count; number++) if (doneOf(number)) lines.push(JSON.stringify(corpusRow(number)));
  return lines.length ? lines.join("\n") + "\n" : "";
}

function download() {
  const text = savedText();
  if (!text) return 0;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  // The time makes names that sort as they were saved: of two labels for one text, `train` takes the last.
  const time = new Date().toISOString().slice(0, 19).replace(/\D/g, "");
  link.download = "labels-" + head.digest.slice(0, 8) + "-" + time + ".jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  store.saved = store.changes;
  rememberNow();
  return text.split("\n").length - 1;
}
