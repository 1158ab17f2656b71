// Words on the page: what a document says becomes text nodes, never markup; what cannot be seen is named.

// Characters that cannot be seen or that turn the writing round: they stand as a mark that names them, and so change nothing.
// (Tags, far up in Unicode, spell words that no font shows.)
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffc]/u;
const NAMES = { 0xad: "SHY", 0x61c: "ALM", 0x200b: "ZWSP", 0x200e: "LRM", 0x200f: "RLM", 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF",
  0x202d: "LRO", 0x202e: "RLO", 0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0xfeff: "BOM" };

function isHidden(text, i) {
  const code = text.codePointAt(i);
  return HIDDEN.test(text[i]) || (code >= 0xe0000 && code <= 0xe01ef);
}

function hiddenMark(code) {
  const number = "U+" + code.toString(16).toUpperCase().padStart(4, "0"), mark = element("span", "hidden", NAMES[code] ?? number);
  mark.title = number;
  mark.dataset.units = code > 0xffff ? 2 : 1;
  return mark;
}

// Fill an element with text: hidden characters named, what is searched for marked, the caret drawn at `caret`.
function fill(parent, text, caret = -1) {
  const query = filter.text.toLowerCase(), folded = query ? text.toLowerCase() : "";
  const marked = query && folded.length === text.length;
  const nodes = [];
  const plain = (from, to, into) => {
    let start = from;
    for (let i = from; i <= to; i++) {
      const hidden = i < to && isHidden(text, i);
      if (i < to && i !== caret && !hidden) continue;
      if (i > start) into.push(document.createTextNode(text.slice(start, i)));
      start = i;
      if (i === caret && i < to) into.push(element("span", "caret"));
      if (hidden) {
        const mark = hiddenMark(text.codePointAt(i));
        into.push(mark);
        start = i + Number(mark.dataset.units);
        i = start - 1;
      }
    }
  };
  let at = 0;
  while (marked) {
    const found = folded.indexOf(query, at);
    if (found < 0) break;
    plain(at, found, nodes);
    const mark = element("mark"), inside = [];
    plain(found, found + query.length, inside);
    mark.append(...inside);
    nodes.push(mark);
    at = found + query.length;
  }
  plain(at, text.length, nodes);
  parent.replaceChildren(...nodes);
}

// The offset in the text of a place in the page (a node and an offset in it), the reverse of `fill`.
function offsetIn(parent, node, offset) {
  let total = 0, found = -1;
  const walk = (current) => {
    if (found >= 0) return;
    if (current.nodeType === Node.TEXT_NODE) {
      if (current === node) found = total + offset;
      total += current.length;
    } else if (current.classList.contains("hidden")) {
      if (current === node || current.contains(node)) found = total;
      total += Number(current.dataset.units);
    } else {
      [...current.childNodes].forEach((child, i) => {
        if (current === node && i === offset && found < 0) found = total;
        walk(child);
      });
      if (current === node && found < 0) found = total;
    }
  };
  walk(parent);
  return found;
}
