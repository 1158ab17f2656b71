// How a person reaches it: keys, mouse, controls; and how the page starts.

const KEYS = [
  ["j  k", "next, previous segment (also ↓ ↑)"], ["n  p", "next, previous document"],
  ["f  F", "next, previous segment worth a look, or one that fits the filter"],
  ["1 … 9", "set the label"], ["Enter", "right as it is, and on to the next worth a look"],
  ["b", "take the whole block of segments with this label; then a label sets it for all"],
  ["J  K", "take one segment more, or one less"],
  ["← →", "move the cursor in the text (Ctrl: by words; Home, End)"],
  ["s", "split at the cursor"], ["m", "join with the next segment of the line"],
  ["c", "looked at from top to bottom: goes into the file, next document"], ["u  U", "undo, redo"],
  ["e", "evidence"], ["/", "search"], ["Esc", "leave the search, the block, the cursor"], ["S", "save the documents looked at"], ["?", "this list"],
];

// --- keys ------------------------------------------------------------------------------------------------------------

const COMMANDS = {
  j: () => moveTo(view.cursor + 1), ArrowDown: () => moveTo(view.cursor + 1),
  k: () => moveTo(view.cursor - 1), ArrowUp: () => moveTo(view.cursor - 1),
  J: () => extend(1), K: () => extend(-1), n: () => turn(1), p: () => turn(-1), f: () => seek(1), F: () => seek(-1),
  b: takeBlock, s: split, m: join, c: finish, u: () => travel(undo()), U: () => travel(redo()), S: save, Enter: confirm,
  e: () => { view.evidence = !view.evidence; drawPanel(); },
  ArrowLeft: (event) => moveCaret(writesLeft() ? 1 : -1, event.ctrlKey || event.altKey),
  ArrowRight: (event) => moveCaret(writesLeft() ? -1 : 1, event.ctrlKey || event.altKey),
  Home: () => placeCaret(0), End: () => placeCaret(Infinity),
  "/": () => { $("search").focus(); $("search").select(); }, "?": () => $("keys").showModal(),
  Escape: letGo,
};

function letGo() {
  const caret = view.caret >= 0;
  getSelection().removeAllRanges();
  closeMenu();
  view.caret = -1;
  view.until = view.cursor;
  redress(caret ? [view.cursor] : []);
}

function writesLeft() {
  const words = $("text").children[view.cursor]?.querySelector(".words");
  return !!words && getComputedStyle(words).direction === "rtl";
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
    const leaves = event.key === "Escape" || (event.key === "Enter" && event.target.tagName === "INPUT");
    if (leaves) { rest(); event.preventDefault(); }
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
  const number = /^\d$/.test(command) ? command : digit && !event.shiftKey && !(command in COMMANDS) ? digit[1] : "";
  if (number) { give(number === "0" ? 9 : Number(number) - 1); event.preventDefault(); return; }
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
  if (selection.rangeCount && selection.isCollapsed && words.contains(selection.anchorNode)) {
    at = offsetIn(words, selection.anchorNode, selection.anchorOffset);
  }
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
  const views = { all: "all documents", look: "worth a look", open: "not looked at yet", done: "looked at", changed: "corrected" };
  for (const [value, words] of Object.entries(views)) $("show").append(option(value, words));
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
  $("list").addEventListener("click", (event) => {
    const row = event.target.closest(".entry");
    if (row) openDocument(Number(row.dataset.number));
  });
  $("about").addEventListener("click", (event) => {
    if (event.target.id === "done") finish();
    if (event.target.id === "reset") { resetDocument(store.at); openDocument(store.at); }
  });
  addEventListener("resize", () => drawList(false));
  const buttons = { undo: COMMANDS.u, save, help: COMMANDS["?"], block: takeBlock, split, join, right: confirm, why: COMMANDS.e };
  for (const [id, run] of Object.entries(buttons)) {
    // A button that keeps the focus would swallow the next Enter; the text keeps its selection while it is pressed.
    $(id).addEventListener("mousedown", (event) => event.preventDefault());
    $(id).addEventListener("click", () => run({}));
  }
  for (const id of ["labels", "menu", "list"]) {
    $(id).addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
  }
  let typing = 0;
  for (const id of ["search", "group", "least", "most"]) {
    $(id).addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(onFilter, 150); });
  }
  for (const id of ["show", "label"]) $(id).addEventListener("change", () => { onFilter(); rest(); });
  $("clear").addEventListener("click", () => {
    for (const id of ["search", "group", "least", "most", "label"]) $(id).value = "";
    $("show").value = "all";
    onFilter();
  });
  $("more").addEventListener("click", () => {
    $("name").value = $("naming").returnValue = "";
    $("namekept").checked = false;
    $("naming").showModal();
  });
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
