// The page: a picture or the camera in, points drawn on it.

import * as ort from "./vendor/ort.wasm.min.mjs";
import { NAMES, SIZE, cut, grey, place } from "./points.mjs";

const $ = (id) => document.getElementById(id);
const stage = $("stage");
const pen = stage.getContext("2d");
const frame = document.createElement("canvas"); // the picture alone, which the net sees
const ink = frame.getContext("2d", { willReadFrequently: true });
const sliders = { across: $("across"), down: $("down"), size: $("size") };

const LARGEST = 1600; // pixels: the longer side of a picture as it is worked on

let net = null;
let stream = null; // the camera's, while it is on
let video = null;
let busy = false;
let again = false; // something changed while the net was busy
let times = []; // when the last frames were done
let written = 0; // when the table was written last

const say = (text) => { $("status").textContent = text; };

// ---- the square

function square() {
  const shorter = Math.min(frame.width, frame.height);
  const side = Math.max(8, (shorter * sliders.size.value) / 1000);
  return {
    side,
    x: ((frame.width - side) * sliders.across.value) / 1000,
    y: ((frame.height - side) * sliders.down.value) / 1000,
  };
}

function moveTo(cx, cy) {
  const { side } = square();
  const along = (c, length) => (length > side ? ((c - side / 2) / (length - side)) * 1000 : 500);
  sliders.across.value = along(cx, frame.width);
  sliders.down.value = along(cy, frame.height);
}

// ---- drawing

function dot(x, y, radius) {
  for (const [r, fill] of [[radius + 1.5, "black"], [radius, "white"]]) {
    pen.fillStyle = fill;
    pen.beginPath();
    pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fill();
  }
}

function draw(at, points) {
  stage.width = frame.width;
  stage.height = frame.height;
  pen.drawImage(frame, 0, 0);
  const thick = Math.max(1, Math.max(frame.width, frame.height) / 500);
  pen.lineWidth = 3 * thick;
  pen.strokeStyle = "black";
  pen.strokeRect(at.x, at.y, at.side, at.side);
  pen.lineWidth = thick;
  pen.strokeStyle = "white";
  pen.strokeRect(at.x, at.y, at.side, at.side);
  const radius = Math.max(1.5, at.side / 90);
  pen.font = `${Math.max(10, at.side / 26)}px system-ui, sans-serif`;
  pen.lineWidth = Math.max(2, at.side / 130);
  pen.lineJoin = "round";
  points.forEach(([x, y], i) => {
    dot(x, y, radius);
    if (at.side * (stage.clientWidth / stage.width) < 200) return; // no room for numbers
    pen.strokeStyle = "black";
    pen.fillStyle = "white";
    pen.strokeText(i + 1, x + 1.6 * radius, y + 3.5 * radius);
    pen.fillText(i + 1, x + 1.6 * radius, y + 3.5 * radius);
  });
}

function tell(points) {
  const now = performance.now();
  if (stream && now - written < 500) return;
  written = now;
  const cells = $("points").querySelectorAll("td:nth-child(n + 3)");
  points.flat().forEach((value, i) => { cells[i].textContent = value.toFixed(1); });
}

// ---- the net

async function run() {
  if (!net || !frame.width) return;
  if (busy) { again = true; return; }
  busy = true;
  try {
    do {
      again = false;
      const at = square();
      // The square, and a pixel around it where there is one.
      const left = Math.max(0, Math.floor(at.x) - 1);
      const top = Math.max(0, Math.floor(at.y) - 1);
      const width = Math.min(frame.width, Math.ceil(at.x + at.side) + 1) - left;
      const height = Math.min(frame.height, Math.ceil(at.y + at.side) + 1) - top;
      const pixels = grey(ink.getImageData(left, top, width, height).data);
      const face = cut(pixels, width, height, at.x - left, at.y - top, at.side);
      const input = new ort.Tensor("float32", face, [1, 1, SIZE, SIZE]);
      const result = await net.run({ [net.inputNames[0]]: input });
      const points = place(result[net.outputNames[0]].data, at.x, at.y, at.side);
      draw(at, points);
      tell(points);
      window.lastPoints = points; // for whoever looks from the console
    } while (again && !stream);
  } finally {
    busy = false;
  }
}

function count() {
  const now = performance.now();
  times.push(now);
  times = times.filter((t) => now - t < 2000);
  if (times.length > 1) {
    const rate = (times.length - 1) / ((now - times[0]) / 1000);
    $("rate").textContent = `${rate.toFixed(rate < 10 ? 1 : 0)} frames a second`;
  }
}

// ---- pictures

function show(source, width, height) {
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  const size = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (frame.width !== size[0] || frame.height !== size[1]) [frame.width, frame.height] = size;
  ink.fillStyle = "white"; // behind what is transparent
  ink.fillRect(0, 0, ...size);
  ink.imageSmoothingQuality = "high";
  ink.drawImage(source, 0, 0, ...size);
}

function ready(label) {
  $("square").disabled = false;
  stage.classList.add("live");
  stage.setAttribute("aria-label", label);
}

async function open(blob, name) {
  stop();
  let picture;
  try {
    if (!blob || !blob.size) throw new Error("empty");
    picture = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    say(`${name} is no picture that this browser can read.`);
    return;
  }
  show(picture, picture.width, picture.height);
  picture.close();
  $("rate").textContent = "";
  ready(`${name}, with 15 points in the square; their numbers are in the table below`);
  await run();
  say(`15 points in ${name}.`);
}

// ---- the camera

async function start() {
  say("Asking for the camera …");
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "NotFoundError");
    stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" },
    });
  } catch (error) {
    stream = null;
    say({
      NotAllowedError: "The camera was not allowed: allow it beside the page's address, or choose a picture.",
      NotFoundError: "There is no camera here: choose a picture.",
      NotReadableError: "Another program uses the camera: close it, or choose a picture.",
    }[error.name] ?? `The camera cannot be used (${error.name}): choose a picture.`);
    return;
  }
  video = document.createElement("video");
  video.muted = video.playsInline = true;
  video.srcObject = stream;
  stream.getVideoTracks()[0].addEventListener("ended", () => { stop(); say("The camera was taken away."); });
  await video.play();
  $("camera").textContent = "Stop the camera";
  ready("The camera's picture, with 15 points in the square");
  say("The camera is on.");
  times = [];
  loop();
}

async function loop() {
  const mine = stream;
  while (stream && stream === mine) {
    show(video, video.videoWidth, video.videoHeight);
    await run();
    count();
    await new Promise((next) => requestAnimationFrame(next));
  }
}

function stop() {
  if (!stream) return;
  stream.getTracks().forEach((track) => track.stop());
  stream = video = null;
  $("camera").textContent = "Use the camera";
}

// ---- what the reader does

$("camera").addEventListener("click", () => {
  if (stream) { stop(); say("The camera is off."); } else start();
});
$("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) open(file, file.name);
});
$("example").addEventListener("click", async () => {
  const answer = await fetch("example.png");
  open(await answer.blob(), "the example");
});
for (const slider of Object.values(sliders)) {
  slider.addEventListener("input", () => { if (!stream) run(); });
}

const drop = $("drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    const file = kind === "drop" && event.dataTransfer.files[0];
    if (file && net) open(file, file.name);
  });
}

let held = null; // where in the square the pointer took it
function pointed(event) {
  const box = stage.getBoundingClientRect();
  const scale = Math.min(box.width / stage.width, box.height / stage.height);
  return [
    (event.clientX - box.left - (box.width - stage.width * scale) / 2) / scale,
    (event.clientY - box.top - (box.height - stage.height * scale) / 2) / scale,
  ];
}
stage.addEventListener("pointerdown", (event) => {
  if ($("square").disabled) return;
  const [x, y] = pointed(event);
  const at = square();
  const inside = x > at.x && x < at.x + at.side && y > at.y && y < at.y + at.side;
  held = inside ? [x - at.x - at.side / 2, y - at.y - at.side / 2] : [0, 0];
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
  if (!held) return;
  const [x, y] = pointed(event);
  moveTo(x - held[0], y - held[1]);
  if (!stream) run();
});
for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, () => { held = null; });

// ---- loading

for (const [i, name] of NAMES.entries()) {
  const row = $("points").insertRow();
  for (const text of [i + 1, name, "–", "–"]) row.insertCell().textContent = text;
}
// Threads need memory that they share, which browsers give to pages that nobody else can look at.
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
try {
  net = await ort.InferenceSession.create("net2.onnx", { executionProviders: ["wasm"] });
  for (const id of ["camera", "file", "example"]) $(id).disabled = false;
  say("Ready.");
} catch (error) {
  say(`The net cannot be loaded: ${String(error.message ?? error).slice(0, 200)}`);
}
