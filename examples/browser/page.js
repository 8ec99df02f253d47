/** The page: what a user rates, and what the model recommends at once. */

import { OnnxModel } from "./onnx_model.js";
import * as ort from "./runtime/ort.wasm.bundle.min.mjs";

const NUM_FOUND = 6;
const NUM_SHOWN = 10;
const STATUS = {
  "": "From your ratings.",
  user_features: "From what you say about yourself.",
  popularity: "What most people have rated: rate something to adapt the model.",
};

const byId = (id) => document.getElementById(id);
const support = new Map(); // Labels by the id of the item.
const user = {};
let model;
let numAsked = 0;

try {
  ort.env.wasm.numThreads = 1; // More would need headers of the server.
  model = await OnnxModel.open(ort, read);
  makeUserInputs();
  byId("search").disabled = false;
  byId("search").addEventListener("input", showFound);
  await adapt();
} catch (error) {
  show(error);
}

async function read(name) {
  const response = await fetch(`model/${name}`);
  if (!response.ok) throw new Error(`model/${name}: the server says ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Adapts to the ratings as they are now, and shows what is best. */
async function adapt() {
  const number = (numAsked += 1);
  try {
    const { reason, items } = await model.recommend([...support], user);
    if (number !== numAsked) return; // There are newer ratings.
    byId("status").textContent = STATUS[reason];
    byId("best").replaceChildren(
      ...items.slice(0, NUM_SHOWN).map(({ id, score }) => {
        const isLabel = reason !== "popularity";
        const text = isLabel ? score.toFixed(2) : `${(100 * score).toFixed(1)} %`;
        return row(id, element("span", { className: "number", textContent: text }));
      })
    );
    byId("error").hidden = true;
  } catch (error) {
    show(error);
  }
}

function rate(id, label) {
  if (label === null) support.delete(id);
  else support.set(id, label);
  byId("ratings").replaceChildren(...[...support.keys()].map((key) => row(key)));
  adapt();
}

/** Shows the items whose names hold what is typed, those that start with it first. */
function showFound() {
  const typed = byId("search").value.trim().toLowerCase();
  const place = (id) => model.itemName(id).toLowerCase().indexOf(typed);
  const found = typed ? model.itemIds.filter((id) => place(id) >= 0) : [];
  found.sort((a, b) => place(a) - place(b));
  byId("found").replaceChildren(...found.slice(0, NUM_FOUND).map((id) => row(id)));
}

/** Makes a row of an item, with its rating to be chosen. */
function row(id, ...more) {
  const name = model.itemName(id);
  const rating = element("select", { ariaLabel: `Rating of ${name}` });
  rating.add(new Option("not rated", ""));
  for (const label of labels()) rating.add(new Option(`${label} ★`, label));
  rating.value = support.get(id) ?? "";
  rating.addEventListener("change", () => {
    byId("search").value = "";
    byId("found").replaceChildren();
    rate(id, rating.value === "" ? null : Number(rating.value));
  });
  const made = element("li", {}, element("span", { className: "name", textContent: name }));
  made.dataset.item = id;
  made.append(...more, rating);
  return made;
}

/** Lists the labels to choose from: whole ones, or halves where the least is one. */
function labels() {
  const { label_min: least, label_max: most } = model.manifest;
  const step = Number.isInteger(least) ? 1 : 0.5;
  const count = Math.floor((most - least) / step) + 1;
  return Array.from({ length: count }, (_, i) => least + i * step);
}

function makeUserInputs() {
  for (const [name, { kind, max_values: most }] of Object.entries(model.manifest.features)) {
    const isNumber = kind === "numeric";
    const input = element("input", { name, type: isNumber ? "number" : "text" });
    input.addEventListener("change", () => {
      const text = input.value.trim();
      const value = isNumber ? Number(text) : most > 1 ? text.split(",") : text;
      user[name] = text === "" ? undefined : value;
      adapt();
    });
    byId("user").append(element("label", { textContent: name }, input));
    byId("user").hidden = false;
  }
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function show(error) {
  byId("error").textContent = error.message;
  byId("error").hidden = false;
}
