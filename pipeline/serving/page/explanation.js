/** Why an item is recommended: what each rating adds, and what changes in the model. */

import { bar, element } from "./dom.js";
import { labelText, ratingControl } from "./rating_control.js";

const MAX_PAIRS = 12;
const CELLS_PER_ROW = 64;
const CELL_PX = 4;
const ROW_REM = 0.6;

/**
 * Explains an item.
 *
 * @param {Task} task
 * @param {string} item
 * @param {?Object[]} answer Of `explain`, with and without the support; null where there
 *     is no support.
 * @param {function(number): void} onRate Is told the label if the item is rated here.
 * @returns {HTMLElement}
 */
export function explanation(task, item, answer, onRate) {
  const { model } = task;
  const why = element("div", { class: "why" });
  if (answer) {
    const [given, without] = answer;
    why.append(
      summary(model, given.score[0], without.score[0]),
      attributions(task, given.attribution[0]),
      changes(model, given.modulation[0], without.modulation[0])
    );
  } else {
    const what = model.isScenario ? "clicks" : "ratings";
    why.append(element("p", {}, `There are no ${what} yet that could be a reason.`));
  }
  const ofClicks = model.namesUsers ? "Clicked by this user?" : "Would you click it?";
  const question = model.isScenario ? ofClicks : "Do you know it?";
  why.append(
    element(
      "div",
      { class: "rate-here" },
      element("span", {}, question),
      ratingControl(model, item, null, onRate)
    )
  );
  return why;
}

function summary(model, score, scoreWithout) {
  const without = model.isScenario ? "without the clicks" : "without your ratings";
  return element(
    "p",
    { class: "summary" },
    "Score ",
    element("strong", {}, score.toFixed(2)),
    `; ${without} it would be ${scoreWithout.toFixed(2)}.`
  );
}

/** Lists the pairs by what they add to the score, the most first. */
function attributions(task, values) {
  const { model } = task;
  const pairs = task.support.map((pair, i) => ({ ...pair, value: values[i] }));
  pairs.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const largest = Math.abs(pairs[0].value) || 1;
  const rows = pairs.slice(0, MAX_PAIRS).map((pair) => {
    const by = model.namesUsers && pair.user ? ` by ${pair.user}` : "";
    return element(
      "li",
      { "data-item": pair.item },
      element("span", { class: "name" }, model.itemName(pair.item)),
      element("span", { class: "hint" }, labelText(model, pair.label) + by),
      bar(0.5, 0.5 + pair.value / largest / 2, pair.value < 0 ? "minus" : "plus"),
      element("span", { class: "number" }, signed(pair.value))
    );
  });
  const what = model.isScenario ? "click" : "rating";
  const part = element(
    "div",
    {},
    element("h3", {}, `What each ${what} adds`),
    element("ul", { class: "attributions" }, ...rows)
  );
  const numLeft = pairs.length - rows.length;
  if (numLeft) part.append(element("p", { class: "hint" }, `${numLeft} more add less.`));
  return part;
}

/** Draws how the modulation differs from that without support, part by part. */
function changes(model, given, without) {
  const differences = given.map((value, i) => value - without[i]);
  const widths = model.modulationWidths.length
    ? model.modulationWidths
    : [["modulation", differences.length]];
  const largest = Math.max(...differences.map(Math.abs));
  const strips = [];
  let first = 0;
  for (const [name, width] of widths) {
    strips.push(strip(name, differences.slice(first, first + width), largest));
    first += width;
  }
  const what = model.isScenario ? "the clicks" : "your ratings";
  const untrained = "The network was left untrained: the closed form alone scores.";
  return element(
    "div",
    {},
    element("h3", {}, `What ${what} change in the network`),
    ...(model.isTrained ? [] : [element("p", { class: "hint" }, untrained)]),
    element("div", { class: "strips" }, ...strips),
    element(
      "p",
      { class: "hint legend" },
      element("span", { class: "less" }, "less"),
      element("span", { class: "more" }, `more, by at most ${size(largest)}`)
    )
  );
}

/** Draws values, each a cell as strong in colour as it is large. */
function strip(name, values, largest) {
  const columns = Math.min(values.length, CELLS_PER_ROW);
  const rows = Math.ceil(values.length / columns);
  const most = size(Math.max(...values.map(Math.abs)));
  const words = `${name}, width ${values.length}, changed by at most ${most}`;
  const canvas = element("canvas", {
    width: columns * CELL_PX,
    height: rows * CELL_PX,
    role: "img",
    "aria-label": words,
    title: words,
  });
  canvas.style.height = `${rows * ROW_REM}rem`;
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  values.forEach((value, i) => {
    pen.fillStyle = style.getPropertyValue(value < 0 ? "--less" : "--more");
    pen.globalAlpha = largest && Math.abs(value) / largest;
    const [x, y] = [i % columns, Math.floor(i / columns)];
    pen.fillRect(x * CELL_PX, y * CELL_PX, CELL_PX, CELL_PX);
  });
  const label = element("span", {}, name.replaceAll("_", " "));
  return element("div", { "data-part": name }, label, canvas);
}

function size(value) {
  return value && value.toPrecision(2);
}

function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}
