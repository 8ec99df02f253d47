/** Asks the recorded requests of an export again, and compares the answers. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { OnnxModel } from "./onnx_model.js";

const TOLERANCE = 1e-5; // Of the largest label or score, or of 1 if that is less.
const REASONS = ["", "user_features", "scenario", "popularity"];

const [version, runtime = "onnxruntime-web"] = process.argv.slice(2);
if (!version) {
  console.error("usage: npm run replay -- VERSION [onnxruntime-web | onnxruntime-node]");
  process.exit(2);
}
const ort = await import(runtime);
ort.env.wasm.numThreads = 1;
const read = (name) => readFile(join(version, name));
const records = (await read("parity_requests.jsonl")).toString().split("\n").slice(0, -1);
const requests = records.map((line) => JSON.parse(line));
const signatures = [...new Set(requests.map(({ signature }) => signature))];
const model = await OnnxModel.open(ort, read, signatures);

let largest = 0;
const times = {}; // Processor time in ms, by signature.
for (const [number, { signature, rows, answer: expected }] of requests.entries()) {
  const before = process.cpuUsage();
  const answer = await model.ask(signature, rows);
  const { user, system } = process.cpuUsage(before);
  (times[signature] ??= []).push((user + system) / 1000);
  for (const [name, wanted] of Object.entries(expected)) {
    const want = wanted.flat(Infinity);
    const got = output(answer, name);
    const where = `line ${number + 1}, ${signature}: ${name}`;
    if (got.length !== want.length) fail(`${where} has ${got.length} values`);
    if (typeof want[0] === "number") {
      const scale = scaleOf(want);
      for (const [i, value] of want.entries()) {
        const gap = Math.abs(got[i] - value) / scale;
        if (!(gap <= TOLERANCE)) fail(`${where} must be ${value} at ${i}, got ${got[i]}`);
        largest = Math.max(largest, gap);
      }
    } else {
      const isTied = tied(expected.score?.flat(), got.length);
      const i = want.findIndex((value, place) => value !== got[place] && !isTied(place));
      if (i >= 0) fail(`${where} must be ${want[i]} at ${i}, got ${got[i]}`);
    }
  }
}
const medians = signatures.sort().map((name) => `${name} ${median(times[name]).toFixed(2)}`);
console.log(
  `${runtime} ${ort.env.versions.common}: ${requests.length} requests of ` +
    `${signatures.join(", ")}; largest difference ${largest.toExponential(1)}; ` +
    `median ms: ${medians.join(", ")}`
);

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Returns the values of an output by the name that it has by ids. */
function output(answer, name) {
  if (name === "item_id") {
    return Array.from(answer.item_row.data, (row) => model.itemIds[row - 1] ?? "");
  }
  if (name === "fallback_reason") {
    return Array.from(answer.fallback.data, (place) => REASONS[place]);
  }
  return Array.from(answer[name].data, Number);
}

function scaleOf(values) {
  const sizes = values.map(Math.abs);
  return Math.max(1, model.manifest.label_max, ...sizes);
}

/** Tells of places whether rounding can put another item there. */
function tied(scores, count) {
  if (scores?.length !== count) return () => false;
  const tolerance = TOLERANCE * scaleOf(scores);
  const isClose = (a, b) => Math.abs(a - b) <= tolerance;
  return (i) =>
    i === count - 1 || isClose(scores[i], scores[i + 1]) || isClose(scores[i], scores[i - 1]);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
