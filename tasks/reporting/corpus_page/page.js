"use strict";
// The clip viewer of the corpus page. Data arrive through corpusLoaded, called by the scripts the page loads.
const PAGE = 50;
const PER_SHARD = 250;
const element = (id) => document.getElementById(id);
const shards = new Map();
let index = null;
let found = [];
let start = 0;
let chosen = -1;

function corpusLoaded(name, value) {
  if (name !== "index") {
    shards.set(Number(name), value);
    if (chosen >= 0 && Math.floor(chosen / PER_SHARD) === Number(name)) drawDetail();
    return;
  }
  index = value;
  index.lower = index.path.map((path) => path.toLowerCase());
  fillSelect("status", index.statuses);
  fillSelect("source", index.sources);
  fillSelect("reason", index.reasons);
  search();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

function fillSelect(id, names) {
  names.forEach((name, number) => element(id).append(new Option(name, String(number))));
}

function search() {
  if (index === null) return;
  const words = element("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [status, source, reason] = ["status", "source", "reason"].map((id) => Number(element(id).value));
  const meant = words.map((word) => new Set(index.reasons.flatMap((name, number) => (name.includes(word) ? [number] : []))));
  found = [];
  for (let row = 0; row < index.path.length; row += 1) {
    if (status >= 0 && index.status[row] !== status) continue;
    if (source >= 0 && index.source[row] !== source) continue;
    if (reason >= 0 && !index.why[row].includes(reason)) continue;
    const told = (word, at) => index.lower[row].includes(word) || index.why[row].some((number) => meant[at].has(number));
    if (words.every(told)) found.push(row);
  }
  start = 0;
  drawRows();
}

function turn(step) {
  const next = start + step * PAGE;
  if (next >= 0 && next < found.length) {
    start = next;
    drawRows();
  }
}

function cell(tag, text, name) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

function drawRows() {
  const last = Math.min(start + PAGE, found.length);
  element("count").textContent = found.length
    ? `${(start + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${found.length.toLocaleString("en")} clips`
    : "No clip fits.";
  element("rows").replaceChildren(...found.slice(start, last).map(drawRow));
  // A disabled button would lose the focus of whoever has just pressed it.
  element("previous").setAttribute("aria-disabled", String(start === 0));
  element("next").setAttribute("aria-disabled", String(last >= found.length));
}

function drawRow(row) {
  const line = document.createElement("tr");
  line.dataset.row = String(row);
  if (row === chosen) line.setAttribute("aria-current", "true");
  const first = document.createElement("th");
  first.scope = "row";
  const button = cell("button", index.path[row], "link");
  button.type = "button";
  button.addEventListener("click", () => choose(row));
  first.append(button);
  const why = index.why[row].map((number) => index.reasons[number]).join(", ");
  line.append(first, cell("td", index.sources[index.source[row]]), cell("td", index.statuses[index.status[row]]), cell("td", why));
  return line;
}

function mark(row) {
  chosen = row;
  for (const line of element("rows").children) {
    if (Number(line.dataset.row) === row) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  }
}

function choose(row) {
  mark(row);
  const shard = Math.floor(row / PER_SHARD);
  if (shards.has(shard)) {
    drawDetail();
    return;
  }
  const script = document.createElement("script");
  script.src = `clips/${shard}.js`;
  script.addEventListener("error", () => element("detail").replaceChildren(cell("p", `clips/${shard}.js is missing: write the page again.`)));
  document.head.append(script);
}

// Back to where the reader was: the row of the clip, or the search where that row is no longer shown.
function closeDetail() {
  if (chosen < 0) return;
  const button = element("rows").querySelector(`[data-row="${chosen}"] button`);
  mark(-1);
  element("detail").replaceChildren(cell("p", "Choose a clip to see its scores, its picture and its path."));
  (button ?? element("search")).focus();
}

function drawDetail() {
  const clip = shards.get(Math.floor(chosen / PER_SHARD))[chosen % PER_SHARD];
  const close = cell("button", "Close");
  close.type = "button";
  close.addEventListener("click", closeDetail);
  const parts = [close, cell("h3", index.path[chosen]), cell("p", clip.id ? `clip ${clip.id}` : "unreadable")];
  const why = index.why[chosen].map((number) => index.reasons[number]).join(", ");
  parts.push(cell("p", `${index.statuses[index.status[chosen]]}${why ? `: ${why}` : ""}`, why ? "fail" : ""));
  if (clip.picture) {
    const picture = new Image();
    picture.src = clip.picture;
    picture.alt = "middle frame of the clip";
    parts.push(picture);
  }
  if (clip.track.length > 1) parts.push(cell("h3", "Camera path from above, metres"), drawTrack(clip.track));
  parts.push(drawScores(clip.cells));
  element("detail").replaceChildren(...parts);
  element("detail").focus();
}

function drawScores(cells) {
  const table = document.createElement("table");
  table.append(cell("caption", "Scores and their ranges"));
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  ["rule", "metric", "value", "range"].forEach((name) => {
    const made = cell("th", name);
    made.scope = "col";
    head.append(made);
  });
  const sorted = [...cells].sort((a, b) => (a[5] === "fail" ? 0 : 1) - (b[5] === "fail" ? 0 : 1));
  sorted.forEach(([metric, scorer, value, low, high, outcome, rule]) => {
    const line = document.createElement("tr");
    const shown = typeof value === "number" ? String(Number(value.toPrecision(4))) : (value ?? "not measured");
    const name = outcome === "fail" ? "fail" : "";
    const title = cell("th", outcome === "fail" ? `${rule} (fails)` : rule, name);
    title.scope = "row";
    line.append(title, cell("td", `${metric} by ${scorer}`));
    line.append(cell("td", shown, name), cell("td", `${low ?? ""} .. ${high ?? ""}`));
    body.append(line);
  });
  return table;
}

function drawTrack(track) {
  const space = "http://www.w3.org/2000/svg";
  const xs = track.map((point) => point[0]);
  const zs = track.map((point) => point[1]);
  const [left, near] = [Math.min(...xs), Math.min(...zs)];
  const span = Math.max(Math.max(...xs) - left, Math.max(...zs) - near, 1e-6);
  const place = ([x, z]) => `${10 + (220 * (x - left)) / span},${230 - (220 * (z - near)) / span}`;
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 240 240");
  drawing.setAttribute("width", "240");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", `Camera path from above, ${span.toPrecision(3)} metres across; the dot is its start`);
  const line = document.createElementNS(space, "polyline");
  line.setAttribute("points", track.map(place).join(" "));
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", "#14528c");
  line.setAttribute("stroke-width", "2");
  const dot = document.createElementNS(space, "circle");
  const [x, y] = place(track[0]).split(",");
  dot.setAttribute("cx", x);
  dot.setAttribute("cy", y);
  dot.setAttribute("r", "4");
  drawing.append(line, dot);
  return drawing;
}

["search", "status", "source", "reason"].forEach((id) => element(id).addEventListener("input", search));
element("filters").addEventListener("submit", (event) => event.preventDefault());
element("previous").addEventListener("click", () => turn(-1));
element("next").addEventListener("click", () => turn(1));
function step(event) {
  const buttons = [...element("rows").querySelectorAll("button")];
  const at = buttons.indexOf(event.target);
  const next = buttons[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  next.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event);
  // In the search Escape empties the field, and in a list it closes the list.
  if (/^(INPUT|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox") return;
  if (event.key === "Escape") closeDetail();
  if (!element("keys").checked) return;
  if (event.key === "/") {
    event.preventDefault();
    element("search").focus();
  } else if (event.key === "n") turn(1);
  else if (event.key === "p") turn(-1);
});
