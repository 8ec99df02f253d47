/** Stars, or click and no click, to label an item with. */

import { element } from "./dom.js";

let numMade = 0;

/**
 * Makes a group of radio buttons.
 *
 * @param {ServedModel} model Whose labels there are.
 * @param {string} item Id of the item.
 * @param {?number} label What is chosen at first; null for nothing.
 * @param {function(number): void} onRate Is told the label that is chosen.
 * @returns {HTMLFieldSetElement}
 */
export function ratingControl(model, item, label, onRate) {
  const name = `label-${(numMade += 1)}`;
  const what = model.isScenario ? "Click on" : "Rating of";
  const group = element(
    "fieldset",
    { class: model.isScenario ? "clicks" : "stars" },
    element("legend", { class: "unseen" }, `${what} ${model.itemName(item)}`)
  );
  const choices = model.isScenario
    ? [[1, "click"], [0, "no click"]]
    : model.labels.map((value) => [value, `${value} of ${model.labels.at(-1)}`]);
  for (const [value, words] of choices) {
    const input = element("input", { type: "radio", name, value, class: "unseen" });
    input.checked = value === label;
    input.addEventListener("change", () => onRate(value));
    const shown = model.isScenario
      ? [element("span", {}, words)]
      : [
          element("span", { "aria-hidden": "true" }, "★"),
          element("span", { class: "unseen" }, words),
        ];
    const half = model.isScenario ? "" : halfOfStar(model.labels, value);
    group.append(element("label", { title: words, class: half }, input, ...shown));
  }
  return group;
}

/**
 * Names the half of a star that a label is drawn as: "left" or "right" where labels go
 * by halves, "" where each is a whole star.
 */
function halfOfStar(labels, value) {
  const isHalf = (label) => !Number.isInteger(label) && Number.isInteger(2 * label);
  const byHalves = labels.every((label, n) => isHalf(label) === (n % 2 === 0));
  return !byHalves ? "" : isHalf(value) ? "left" : "right";
}

/** Says a label in a few characters. */
export function labelText(model, label) {
  if (model.isScenario) return label > 0.5 ? "click" : "no click";
  return `${label} ★`;
}
