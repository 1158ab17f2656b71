// What is drawn: the list, the document, the panel.

const $ = (id) => document.getElementById(id);
const view = {
  cursor: 0, // the selected run
  until: 0, // the other end of a selected block of runs
  caret: -1, // a place in the selected run's line, or -1
  shown: [], // numbers of the documents that fit the filter, in order
  evidence: true,
};
const filter = { text: "", show: "all", label: "", group: "", least: NaN, most: NaN };
const HUES = { editorial: 0, caption: 1, byline: 2, ad: 3, boilerplate: 4 };
const LOOKS = [
  [LOOK.disagrees, "label and model disagree"],
  [LOOK.droppedEditorial, "dropped, but reads like the newsroom’s"],
  [LOOK.keptAd, "kept, but reads like an ad or furniture"],
  [LOOK.close, "close call"],
  [LOOK.chosen, "chosen to be labelled"],
];

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function hue(label) {
  const known = HUES[labels[label]];
  if (known !== undefined) return known;
  return 5 + labels.slice(0, label).filter((name) => !(name in HUES)).length % 5;
}

function chip(tag, label) {
  const made = element(tag, `chip hue${hue(label)}${isKept(label) ? "" : " out"}`);
  fill(made, labels[label]);
  return made;
}

// --- what fits the filter ---------------------------------------------------------------------------------------------

function filtersRuns() { return !!(filter.text || filter.label !== "" || !isNaN(filter.least) || !isNaN(filter.most)); }

function fits(number, runs, k) {
  const came = cameFrom(number, runs[k]);
  if (filter.label !== "" && runs[k].label !== Number(filter.label)) return false;
  if (came.score < filter.least || came.score > filter.most) return false;
  return !filter.text || textOf(number, runs, k).toLowerCase().includes(filter.text.toLowerCase());
}

// Is the run one to stop at: one that fits the filter, or else one worth a look that nobody has confirmed yet.
function stops(number, runs, k) {
  return filtersRuns() ? fits(number, runs, k) : !!cameFrom(number, runs[k]).look && !runs[k].own;
}

function documentFits(number) {
  const [title, group, , , looks] = head.documents[number];
  if (filter.group && !group.toLowerCase().includes(filter.group.toLowerCase())) return false;
  if (filter.show === "look" && !looks) return false;
  if (filter.show === "open" && doneOf(number)) return false;
  if (filter.show === "done" && !doneOf(number)) return false;
  if (filter.show === "changed" && !runsOf(number).some((run) => isChanged(number, run))) return false;
  if (!filtersRuns()) return true;
  if (filter.text && filter.label === "" && isNaN(filter.least) && isNaN(filter.most)) {
    const query = filter.text.toLowerCase();
    if (title.toLowerCase().includes(query) || opened(number).id.toLowerCase().includes(query)) return true;
    return opened(number).lines.some((line) => line.toLowerCase().includes(query));
  }
  const runs = runsOf(number);
  return runs.some((_, k) => fits(number, runs, k));
}

function applyFilter() {
  view.shown = [];
  for (let number = 0; number < store.count; number++) if (documentFits(number)) view.shown.push(number);
  const any = filtersRuns() || filter.group || filter.show !== "all";
  $("clear").hidden = !any;
  $("matches").textContent = any ? `${view.shown.length} of ${store.count} documents` : "";
  if (view.shown.length && !view.shown.includes(store.at)) store.at = view.shown[0];
  drawList();
  drawDocument();
}

// --- the list --------------------------------------------------------------------------------------------------------

const ROW = 54; // pixels, as in page.css; only the rows in sight exist

function drawList(follow = true) {
  const list = $("list"), place = view.shown.indexOf(store.at);
  $("space").style.height = view.shown.length * ROW + "px";
  if (follow && place >= 0) {
    const top = place * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
  }
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const last = Math.min(view.shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
  const made = [];
  for (let i = first; i < last; i++) made.push(listRow(view.shown[i], i));
  $("space").replaceChildren(...made);
}

function listRow(number, place) {
  const [title, group, lang, , looks] = head.documents[number];
  const row = element("button", "entry" + (number === store.at ? " here" : "") + (doneOf(number) ? " done" : ""));
  row.type = "button";
  row.tabIndex = -1;
  row.dataset.number = number;
  row.style.top = place * ROW + "px";
  if (number === store.at) row.setAttribute("aria-current", "true");
  const name = element("span", "name");
  name.dir = "auto";
  if (lang) name.lang = lang;
  fill(name, title || "(empty)");
  const under = element("span", "under");
  const where = element("span", "group");
  where.dir = "auto";
  fill(where, group);
  under.append(where);
  if (looks) under.append(element("span", "looks", looks + " to look at"));
  row.append(element("span", "tick", doneOf(number) === 2 ? "✓" : doneOf(number) ? "✎" : ""), name, under);
  return row;
}

// --- the document ----------------------------------------------------------------------------------------------------

function drawDocument() {
  const number = store.at, empty = !view.shown.length;
  $("nothing").hidden = !empty;
  $("about").hidden = $("text").hidden = empty;
  if (empty) { drawPanel(); return; }
  const source = opened(number), runs = runsOf(number);
  view.cursor = Math.min(view.cursor, runs.length - 1);
  const text = $("text");
  text.lang = source.lang || scriptOf(source.lines.join(""));
  text.classList.toggle("long", runs.length > 500);
  let last = -1;
  text.replaceChildren(...runs.map((run, k) => {
    const row = runRow(number, runs, k);
    if (run.line > last + 1 && last >= 0) row.classList.add("after-blank");
    last = run.line;
    return row;
  }));
  drawAbout(number, source);
  drawPanel();
  drawProgress();
}

// Where nobody said which language it is, the writing tells enough to choose fonts and line breaks.
function scriptOf(text) {
  if (/[\uac00-\ud7a3]/.test(text)) return "ko";
  if (/[\u3041-\u30ff]/.test(text)) return "ja";
  if (/[\u4e00-\u9fff]/.test(text)) return "zh";
  return /[\u0600-\u06ff]/.test(text) ? "ar" : "";
}

function drawAbout(number, source) {
  const id = element("span", "id"), group = element("span", "dim");
  fill(id, source.id);
  fill(group, [source.group !== source.id ? source.group : "", source.lang, source.kind].filter(Boolean).join(" · "));
  id.dir = "ltr"; // most are paths
  group.dir = "auto";
  const done = element("button", "done" + (doneOf(number) === 2 ? " on" : ""), doneOf(number) === 2 ? "✓ Looked at" : "Looked at");
  done.type = "button";
  done.id = "done";
  done.title = "Every label here is right; it goes into the saved file (c)";
  const reset = element("button", "quiet", "Start over");
  reset.type = "button";
  reset.id = "reset";
  reset.hidden = !store.edits.has(number);
  reset.title = "Take back every correction in this document";
  $("about").replaceChildren(id, group, element("span", "gap"), reset, done);
}

function runRow(number, runs, k) {
  const run = runs[k], came = cameFrom(number, run), row = element("div", "run");
  row.dataset.k = k;
  const side = element("div", "side"), button = chip("button", run.label);
  button.type = "button";
  button.tabIndex = -1;
  const score = element("span", "score", came.score.toFixed(2));
  score.title = `score ${came.score}: how likely the model thinks it should go; it goes from ${head.threshold} on`;
  const bar = element("span", "bar-of-score"), level = element("span");
  level.style.width = Math.round(came.score * 100) + "%";
  bar.append(level);
  score.append(bar);
  side.append(button, score);
  const text = element("div", "words");
  text.dir = "auto";
  fill(text, textOf(number, runs, k), k === view.cursor && view.caret >= 0 ? view.caret - run.start : -1);
  row.append(side, text);
  dress(row, number, runs, k);
  return row;
}

function dress(row, number, runs, k) {
  const run = runs[k], came = cameFrom(number, run);
  const low = Math.min(view.cursor, view.until), high = Math.max(view.cursor, view.until);
  const set = (name, on) => row.classList.toggle(name, !!on);
  set("out", !isKept(run.label));
  set("cursor", k === view.cursor);
  set("chosen", high > low && k >= low && k <= high);
  set("look", came.look && !run.own);
  set("own", run.own);
  set("changed", isChanged(number, run));
  set("same-line", k > 0 && runs[k - 1].line === run.line);
  set("aside", filtersRuns() && !fits(number, runs, k));
  row.setAttribute("aria-current", k === view.cursor);
}

// Redraw what a move changes; `whole` lists runs whose text or label changed too.
function redress(whole = []) {
  const number = store.at, runs = runsOf(number), rows = $("text").children;
  for (let k = 0; k < rows.length; k++) {
    if (whole.includes(k)) {
      const made = runRow(number, runs, k);
      if (rows[k].classList.contains("after-blank")) made.classList.add("after-blank");
      rows[k].replaceWith(made);
    } else dress(rows[k], number, runs, k);
  }
}

// --- the panel -------------------------------------------------------------------------------------------------------

function drawPanel() {
  const number = store.at, runs = view.shown.length ? runsOf(number) : [], run = runs[view.cursor];
  $("labels").replaceChildren(...labels.map((_, label) => {
    const button = element("button", "choice" + (run && run.label === label ? " on" : ""));
    button.type = "button";
    button.dataset.label = label;
    button.append(element("kbd", "", label < 9 ? String(label + 1) : label === 9 ? "0" : ""), chip("span", label));
    if (!isKept(label)) button.append(element("span", "dim", "dropped"));
    return button;
  }));
  $("why").setAttribute("aria-expanded", String(view.evidence));
  const box = $("evidence");
  box.hidden = !view.evidence;
  box.replaceChildren(...(run && view.evidence ? evidence(number, run) : []));
}

function evidence(number, run) {
  const source = opened(number), came = cameFrom(number, run), made = [];
  const verdict = element("p");
  verdict.append(came.kept ? "Kept as " : "Dropped as ", came.verdict >= 0 ? chip("span", came.verdict) : "—");
  const scale = element("div", "scale"), mark = element("span", "mark"), bound = element("span", "bound");
  mark.style.insetInlineStart = came.score * 100 + "%";
  bound.style.insetInlineStart = head.threshold * 100 + "%";
  scale.append(mark, bound);
  scale.title = "the dot is the score, the bar the threshold";
  made.push(verdict, scale, element("p", "dim", `score ${came.score}, goes from ${head.threshold} on`));
  if (source.person && came.label !== came.verdict) {
    const given = element("p");
    given.append("Labelled by a person as ", chip("span", came.label));
    made.push(given);
  }
  for (const [bit, words] of LOOKS) if (came.look & bit) made.push(element("p", "flag", words));
  const found = source.why?.[run.from] ?? [];
  if (found.length) {
    const list = element("ul");
    for (const words of found) { const item = element("li"); item.dir = "auto"; fill(item, words); list.append(item); }
    made.push(element("h3", "", "What spoke for it"), list);
  }
  made.push(element("h3", "", "By its own words"));
  const table = element("div", "chances");
  came.alone.map((percent, i) => [percent, i]).sort((a, b) => b[0] - a[0]).forEach(([percent, i]) => {
    const bar = element("span", `level hue${hue(labels.indexOf(head.model_labels[i]))}`), whole = element("span", "whole");
    bar.style.width = percent + "%";
    whole.append(bar);
    table.append(element("span", "", head.model_labels[i]), whole, element("span", "dim", percent + " %"));
  });
  made.push(table);
  return made;
}

function drawProgress() {
  const { done, corrected } = counts();
  $("meter").max = Math.max(store.count, 1);
  $("meter").value = done;
  $("progress").textContent = `${done} of ${store.count} looked at · ${corrected} corrected`;
  $("save").classList.toggle("waiting", store.changes !== store.saved && done > 0);
  $("save").disabled = !done;
  $("undo").disabled = !store.history.length;
}

let fading = 0;
function say(words) {
  $("status").textContent = words;
  $("status").classList.add("up");
  clearTimeout(fading);
  fading = setTimeout(() => $("status").classList.remove("up"), 3500);
}
