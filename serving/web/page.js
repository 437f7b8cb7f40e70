// One page: a picture, a recorded walk, a video that is watched while it is made.
const FPS = 16;
const KEYS = "wasdijkl";
const find = (id) => document.getElementById(id);
const held = new Set();
let picture = null;
let recording = null;
let job = null;

function say(text, bad = false) {
  find("status").textContent = text;
  find("status").classList.toggle("bad", bad);
}

function choose(file) {
  if (!file || !file.type.startsWith("image/")) return say("That is not a picture.", true);
  picture = file;
  find("preview").src = URL.createObjectURL(file);
  find("hint").textContent = file.name;
}

find("file").addEventListener("change", (event) => choose(event.target.files[0]));
const drop = find("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  choose(event.dataTransfer.files[0]);
});

function light(key, on) {
  document.querySelector(`kbd[data-key="${key}"]`)?.classList.toggle("on", on);
}

addEventListener("keydown", (event) => {
  if (recording && event.key === "Escape") return stopRecording();
  const key = event.key.toLowerCase();
  if (!recording || !KEYS.includes(key)) return;
  event.preventDefault();
  held.add(key);
  light(key, true);
});
addEventListener("keyup", (event) => {
  const key = event.key.toLowerCase();
  held.delete(key);
  if (KEYS.includes(key)) light(key, false);
});

// Every frame of the walk is one set of held keys; equal neighbours become one segment of the action.
function encode(frames) {
  const parts = [];
  for (const keys of frames) {
    const last = parts[parts.length - 1];
    if (last && last.keys === keys) last.count += 1;
    else parts.push({ keys, count: 1 });
  }
  return parts.map((part) => `${part.keys}-${part.count}`).join(",");
}

function stopRecording() {
  clearInterval(recording.timer);
  const text = encode(recording.frames);
  recording = null;
  held.clear();
  document.querySelectorAll("kbd").forEach((key) => key.classList.remove("on"));
  find("record").textContent = "Record a walk";
  find("record").classList.remove("recording");
  if (text) find("action").value = text;
  draw();
}

find("record").addEventListener("click", () => {
  if (recording) return stopRecording();
  find("record").textContent = "Stop";
  find("record").classList.add("recording");
  const frames = [];
  const timer = setInterval(() => {
    if (held.size || frames.length) frames.push([...held].sort().join("") || "none");
    say(`Recording: ${(frames.length / FPS).toFixed(1)} s`);
    if (frames.length >= 60 * FPS) stopRecording();
  }, 1000 / FPS);
  recording = { frames, timer };
});

// A sketch of the path from above: the server eases the keys, the sketch does not.
function sketch(action) {
  let [x, z, yaw] = [0, 0, 0];
  const points = [[0, 0]];
  for (const part of action.split(",")) {
    const match = part.trim().match(/^([a-z]+)-(\d+)$/i);
    if (!match) continue;
    const keys = match[1] === "none" ? "" : match[1].toLowerCase();
    const axis = (plus, minus) => (keys.includes(plus) ? 1 : 0) - (keys.includes(minus) ? 1 : 0);
    for (let frame = 0; frame < Math.min(960, Number(match[2])); frame += 1) {
      yaw += axis("d", "a") * 0.6 * Math.PI / 180;
      x += 0.025 * (axis("w", "s") * Math.sin(yaw) + axis("l", "j") * Math.cos(yaw));
      z += 0.025 * (axis("w", "s") * Math.cos(yaw) - axis("l", "j") * Math.sin(yaw));
      points.push([x, z]);
    }
  }
  return points;
}

function draw() {
  const canvas = find("map");
  const brush = canvas.getContext("2d");
  const points = sketch(find("action").value);
  const reach = Math.max(0.5, ...points.map(([x, z]) => Math.max(Math.abs(x) / 2, Math.abs(z))));
  const place = ([x, z]) => [canvas.width / 2 + x / reach * canvas.height * 0.45, canvas.height * 0.5 - z / reach * canvas.height * 0.45];
  brush.clearRect(0, 0, canvas.width, canvas.height);
  brush.strokeStyle = "#2a7";
  brush.lineWidth = 2;
  brush.beginPath();
  points.forEach((point, index) => { const [px, py] = place(point); if (index) brush.lineTo(px, py); else brush.moveTo(px, py); });
  brush.stroke();
  const [px, py] = place(points[0]);
  brush.fillStyle = "#c33";
  brush.fillRect(px - 3, py - 3, 6, 6);
}

find("action").addEventListener("input", draw);

async function answer(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.error?.message ?? response.statusText);
  return body;
}

async function show(id, partial) {
  const response = await fetch(`/v1/videos/${id}/content${partial ? "?partial=true" : ""}`);
  if (!response.ok) return;
  const url = URL.createObjectURL(await response.blob());
  const video = find("video");
  const time = video.currentTime;
  URL.revokeObjectURL(video.src);
  video.src = url;
  if (partial) video.currentTime = time;
  else find("download").href = url;
  await video.play().catch(() => undefined);
}

async function follow(id) {
  let seen = 0;
  while (job === id) {
    const state = await answer(await fetch(`/v1/videos/${id}`));
    find("progress").value = state.progress;
    if (state.status === "failed") throw new Error(state.error.message);
    if (state.status === "completed") {
      await show(id, false);
      find("download").hidden = false;
      return say("Done.");
    }
    say(state.status === "queued" ? "Waiting in line." : `Making frames: ${state.progress}%`);
    if (state.progress > seen) {
      seen = state.progress;
      await show(id, true);
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

find("go").addEventListener("click", async () => {
  const form = new FormData();
  form.set("prompt", find("prompt").value);
  form.set("action", find("action").value);
  form.set("seed", find("seed").value || "42");
  if (picture) form.set("input_reference", picture);
  find("go").disabled = true;
  find("cancel").disabled = false;
  find("download").hidden = true;
  try {
    const created = await answer(await fetch("/v1/videos", { method: "POST", body: form }));
    job = created.id;
    await follow(job);
  } catch (error) {
    say(error.message, true);
  } finally {
    job = null;
    find("go").disabled = false;
    find("cancel").disabled = true;
  }
});

find("cancel").addEventListener("click", async () => {
  const id = job;
  job = null;
  if (id) await fetch(`/v1/videos/${id}`, { method: "DELETE" });
  find("progress").value = 0;
  say("Cancelled.");
});

draw();
answer(await fetch("/v1/models")).then((models) => {
  const card = models.data[0];
  find("model").textContent = `${card.id}, ${card.width}x${card.height} at ${card.fps} fps, weights ${card.version.slice(0, 12)}`;
}).catch((error) => say(error.message, true));
