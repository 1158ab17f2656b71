// What a person does: keys, mouse, and how the page starts.

const KEYS = [
  ["j  k", "next, previous segment (also ↓ ↑)"], ["n  p", "next, previous document"],
  ["f  F", "next, previous segment worth a look, or one that fits the filter"],
  ["1 … 9", "set the label"], ["Enter", "right as it is, and on to the next worth a look"],
  ["b", "take the whole block of segments with this label; then a label sets it for all"], ["J  K", "take one segment more, or one less"],
  ["← →", "move the cursor in the text (Ctrl: by words; Home, End)"], ["s", "split at the cursor"], ["m", "join with the next segment of the line"],
  ["c", "looked at from top to bottom: goes into the file, next document"], ["u  U", "undo, redo"],
  ["e", "evidence"], ["/", "search"], ["Esc", "leave the search, the block, the cursor"], ["S", "save the documents looked at"], ["?", "this list"],
];

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
  const words = selection.anchorNode && (selection.anchorNode.nodeType === 1 ? selection.anchorNode : selection.anchorNode.parentElement)?.closest(".words");
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
  for (const pattern of [/(?<=[.!?。！？]["'”’)\]]*)\s+(?=\S)/gu, /\s+(?=[▶▷☞※ⓒ©■◆★☎\[(<【])/gu, /(?<=[。！？])(?=\S)/gu, /\s+(?=\S)/gu]) {
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
  say(n ? `Saved ${n} document${n === 1 ? "" : "s"} as labels-${head.digest.slice(0, 8)}.jsonl.` : "Nothing to save yet: correct a label, or mark a document as looked at with c.");
}

// --- keys ------------------------------------------------------------------------------------------------------------

const COMMANDS = {
  j: () => moveTo(view.cursor + 1), ArrowDown: () => moveTo(view.cursor + 1), k: () => moveTo(view.cursor - 1), ArrowUp: () => moveTo(view.cursor - 1),
  J: () => extend(1), K: () => extend(-1), n: () => turn(1), p: () => turn(-1), f: () => seek(1), F: () => seek(-1),
  b: takeBlock, s: split, m: join, c: finish, u: () => travel(undo()), U: () => travel(redo()), S: save, Enter: confirm,
  e: () => { view.evidence = !view.evidence; drawPanel(); },
  ArrowLeft: (event) => moveCaret(writesLeft() ? 1 : -1, event.ctrlKey || event.altKey), ArrowRight: (event) => moveCaret(writesLeft() ? -1 : 1, event.ctrlKey || event.altKey),
  Home: () => placeCaret(0), End: () => placeCaret(Infinity),
  "/": () => { $("search").focus(); $("search").select(); }, "?": () => $("keys").showModal(),
  Escape: () => { getSelection().removeAllRanges(); closeMenu(); const caret = view.caret >= 0; view.caret = -1; view.until = view.cursor; redress(caret ? [view.cursor] : []); },
};

function writesLeft() {
  const words = $("text").children[view.cursor]?.querySelector(".words");
  return words ? getComputedStyle(words).direction === "rtl" || words.matches(":dir(rtl)") : false;
}

function extend(by) {
  const runs = runsOf(store.at);
  view.until = Math.max(0, Math.min(view.until + by, runs.length - 1));
  redress();
  $("text").children[view.until]?.scrollIntoView({ block: "nearest" });
}

// Give the keys back to the document.
function rest() { $("reader").focus({ preventScroll: true }); }

// The command a key stands for. Where the keyboard writes another script (Hangul, Cyrillic …), its place on the board decides.
function commandOf(event) {
  const key = event.key;
  if (key.length > 1 && key !== "Process" && key !== "Unidentified") return key;
  if (/^[\x21-\x7e]$/.test(key) && !/^\d$/.test(key)) return key;
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (letter) return event.shiftKey ? letter[1] : letter[1].toLowerCase();
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return key;
}

function onKey(event) {
  if (event.defaultPrevented || $("keys").open || $("naming").open) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing) {
    if (event.key === "Escape" || (event.key === "Enter" && event.target.tagName === "INPUT")) { rest(); event.preventDefault(); }
    return;
  }
  const command = commandOf(event);
  if (event.ctrlKey || event.metaKey) {
    const undoing = command.toLowerCase() === "z", saving = command.toLowerCase() === "s";
    if (undoing) travel(event.shiftKey ? redo() : undo());
    else if (saving) save();
    else if (!/^Arrow(Left|Right)$/.test(command)) return;
    else COMMANDS[command](event);
    event.preventDefault();
    return;
  }
  if (event.altKey && !/^Arrow(Left|Right)$/.test(command)) return;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  if (digit && !event.shiftKey && !(command in COMMANDS)) { give(digit[1] === "0" ? 9 : Number(digit[1]) - 1); event.preventDefault(); return; }
  if (/^\d$/.test(command)) { give(command === "0" ? 9 : Number(command) - 1); event.preventDefault(); return; }
  if (event.target.tagName === "BUTTON" && (command === "Enter" || command === " ")) return;
  const run = COMMANDS[command];
  if (!run || (!view.shown.length && !"/?SuU".includes(command))) return;
  run(event);
  event.preventDefault();
}

// --- mouse -----------------------------------------------------------------------------------------------------------

function onText(event) {
  const row = event.target.closest(".run");
  if (!row) return;
  const k = Number(row.dataset.k);
  if (event.target.closest(".chip")) { moveTo(k); openMenu($("text").children[k].querySelector(".chip")); return; }
  const words = row.querySelector(".words"), selection = getSelection();
  if (event.shiftKey) { view.until = k; selection.removeAllRanges(); redress(); return; }
  let at = -1;
  if (selection.rangeCount && selection.isCollapsed && words.contains(selection.anchorNode)) at = offsetIn(words, selection.anchorNode, selection.anchorOffset);
  const dragged = !selection.isCollapsed;
  if (!dragged || k !== view.cursor) moveTo(k); // a segment drawn anew would lose what was selected in it
  if (!dragged && at >= 0) placeCaret(runsOf(store.at)[k].start + at);
}

function openMenu(at) {
  const menu = $("menu"), box = at.getBoundingClientRect();
  menu.replaceChildren(...labels.map((_, label) => {
    const item = element("button", "choice");
    item.type = "button";
    item.setAttribute("role", "menuitem");
    item.dataset.label = label;
    item.append(chip("span", label));
    return item;
  }));
  menu.hidden = false;
  menu.style.left = box.left + "px";
  menu.style.top = Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8) + "px";
}

function closeMenu() { $("menu").hidden = true; }

function onChoice(event) {
  const button = event.target.closest("[data-label]");
  if (!button) return;
  closeMenu();
  give(Number(button.dataset.label));
}

// --- start -----------------------------------------------------------------------------------------------------------

function option(value, words) { const made = element("option", "", words); made.value = value; return made; }

function fillControls() {
  $("title").textContent = head.title;
  for (const [value, words] of [["all", "all documents"], ["look", "worth a look"], ["open", "not looked at yet"], ["done", "looked at"], ["changed", "corrected"]]) $("show").append(option(value, words));
  fillLabelFilter();
  $("groups").append(...[...new Set(head.documents.map((entry) => entry[1]))].slice(0, 2000).map((name) => option(name)));
  for (const [keys, words] of KEYS) {
    const term = element("dt");
    keys.split(/\s+/).forEach((key) => term.append(element("kbd", "", key)));
    $("keylist").append(term, element("dd", "", words));
  }
}

function fillLabelFilter() {
  const before = $("label").value;
  $("label").replaceChildren(option("", "any"), ...labels.map((name, i) => option(String(i), name)));
  $("label").value = before;
}

function onFilter() {
  Object.assign(filter, { text: $("search").value.trim(), show: $("show").value, label: $("label").value, group: $("group").value.trim(),
    least: $("least").valueAsNumber, most: $("most").valueAsNumber });
  applyFilter();
  if (filtersRuns() && view.shown.length) {
    const runs = runsOf(store.at), k = runs.findIndex((_, i) => fits(store.at, runs, i));
    if (k >= 0) moveTo(k);
  }
}

function start() {
  recall();
  fillControls();
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => { if (!event.target.closest("#menu, .run .chip")) closeMenu(); });
  $("text").addEventListener("click", onText);
  $("labels").addEventListener("click", onChoice);
  $("menu").addEventListener("click", onChoice);
  $("list").addEventListener("scroll", () => drawList(false), { passive: true });
  $("list").addEventListener("click", (event) => { const row = event.target.closest(".entry"); if (row) openDocument(Number(row.dataset.number)); });
  $("about").addEventListener("click", (event) => {
    if (event.target.id === "done") finish();
    if (event.target.id === "reset") { resetDocument(store.at); openDocument(store.at); }
  });
  addEventListener("resize", () => drawList(false));
  for (const [id, run] of Object.entries({ undo: () => travel(undo()), save, help: COMMANDS["?"], block: takeBlock, split, join, right: confirm, why: COMMANDS.e })) {
    // A button that keeps the focus would swallow the next Enter; the text keeps its selection while it is pressed.
    $(id).addEventListener("mousedown", (event) => event.preventDefault());
    $(id).addEventListener("click", () => run({}));
  }
  for (const id of ["labels", "menu", "list"]) $(id).addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
  let typing = 0;
  for (const id of ["search", "group", "least", "most"]) $(id).addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(onFilter, 150); });
  for (const id of ["show", "label"]) $(id).addEventListener("change", () => { onFilter(); rest(); });
  $("clear").addEventListener("click", () => { for (const id of ["search", "group", "least", "most", "label"]) $(id).value = ""; $("show").value = "all"; onFilter(); });
  $("more").addEventListener("click", () => { $("name").value = ""; $("namekept").checked = false; $("naming").returnValue = ""; $("naming").showModal(); });
  $("noname").addEventListener("click", () => $("naming").close(""));
  $("naming").addEventListener("close", () => {
    const name = $("name").value.trim();
    if ($("naming").returnValue === "add" && name) { give(addLabel(name, $("namekept").checked)); fillLabelFilter(); drawPanel(); }
  });
  addEventListener("pagehide", rememberNow);
  addEventListener("beforeunload", (event) => { if (store.storageFails && store.changes !== store.saved) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") rememberNow(); });
  applyFilter();
  if (view.shown.length) openDocument(store.at);
  rest();
  document.body.dataset.ready = "yes";
}

start();
