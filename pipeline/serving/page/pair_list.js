/** The items that were picked, each with its rating. */

import { element } from "./dom.js";
import { ratingControl } from "./rating_control.js";

/** Shows the pairs of a task, and changes them as they are rated and removed. */
export class PairList {
  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} hint Is shown while there is no pair.
   * @param {Task} task
   * @param {function(): void} onChange Is called when the task has changed.
   */
  constructor(list, hint, task, onChange) {
    this.list = list;
    this.hint = hint;
    this.task = task;
    this.onChange = onChange;
    hint.textContent = task.model.isScenario
      ? "Nothing clicked yet. Find an item, or open one of the recommendations."
      : "Nothing rated yet. Find something you know, or open a recommendation.";
  }

  /** Shows all pairs anew. */
  show() {
    this.list.replaceChildren(...this.task.pairs.map((pair) => this.#row(pair)));
    this.#toggleHint();
  }

  /** Adds an item, or goes to it if it is there: for the user recommended to. */
  add(item, label) {
    const { pairs } = this.task;
    const isSame = (pair) => pair.item === item && pair.user === "";
    const number = pairs.findIndex(isSame);
    if (number >= 0) {
      if (label !== null) pairs[number].label = label;
      this.list.children[number].replaceWith(this.#row(pairs[number]));
    } else {
      pairs.unshift({ item, label, user: "" });
      this.list.prepend(this.#row(pairs[0]));
      this.#toggleHint();
    }
    const row = this.list.children[Math.max(number, 0)];
    (row.querySelector("input:checked") ?? row.querySelector("input")).focus();
    this.onChange();
  }

  #row(pair) {
    const { model } = this.task;
    const name = model.itemName(pair.item);
    const rate = (label) => {
      pair.label = label;
      row.classList.remove("unrated");
      this.onChange();
    };
    const remove = element(
      "button",
      { type: "button", class: "quiet remove", "aria-label": `Remove ${name}` },
      "×"
    );
    const row = element(
      "li",
      { "data-item": pair.item, class: pair.label === null ? "unrated" : "" },
      element("span", { class: "name", title: name }, name),
      ...(model.knows(pair.item) ? [] : [element("span", { class: "hint" }, "unknown")]),
      ratingControl(model, pair.item, pair.label, rate),
      remove
    );
    if (model.namesUsers) remove.before(this.#userInput(pair, name));
    remove.addEventListener("click", () => this.#remove(pair, row));
    return row;
  }

  #userInput(pair, name) {
    return element("input", {
      type: "text",
      class: "by",
      value: pair.user,
      placeholder: "the same user",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": `User id of the click on ${name}; empty for the same user`,
      oninput: (event) => {
        pair.user = event.target.value.trim();
        this.onChange();
      },
    });
  }

  #remove(pair, row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    this.task.pairs.splice(this.task.pairs.indexOf(pair), 1);
    row.remove();
    next?.querySelector(".remove").focus();
    this.#toggleHint();
    this.onChange();
  }

  #toggleHint() {
    this.hint.hidden = this.task.pairs.length > 0;
  }
}
