/** The recommendations: scores, and how each item has moved since the list before. */

import { bar, element } from "./dom.js";

const PAGE_SIZE = 10;
const MOVE_MS = 300;
const POPULAR = ["popularity", "scenario"];

const FALLBACKS = {
  ratings: {
    popularity: "Nobody knows you yet: the most popular items, by share of ratings.",
    user_features: "No ratings yet: a guess from what you say about yourself.",
  },
  clicks: {
    popularity: "Nobody knows you yet: the most popular items, by share of clicks.",
  },
  scenario: {
    popularity: "Nobody knows this user yet: the most popular items, by share of clicks.",
    scenario: "Nobody knows this user yet: the most popular items of the scenario.",
    known_user: "No clicks yet: a guess from what this user clicked elsewhere.",
  },
};

/** Says in plain words what stood in for ratings; "" where nothing had to. */
export function fallbackWords(model, reason) {
  if (!reason) return "";
  const own = model.isScenario ? "clicks" : "ratings";
  const words = FALLBACKS[model.namesUsers ? "scenario" : own];
  return words[reason] ?? `Served by ${reason}.`;
}

/** Shows answers of `recommend`, one after the other. */
export class RecommendationList {
  /**
   * @param {HTMLElement} list
   * @param {HTMLButtonElement} moreButton
   * @param {ServedModel} model
   * @param {function(string): void} onOpen Is told the id of an item that is clicked.
   */
  constructor(list, moreButton, model, onOpen) {
    this.list = list;
    this.moreButton = moreButton;
    this.model = model;
    this.onOpen = onOpen;
    this.numShown = PAGE_SIZE;
    this.items = [];
    this.ranksBefore = new Map();
    moreButton.addEventListener("click", () => this.#showMore());
  }

  /** Shows an answer, and marks what has changed since the one before. */
  show({ item_id: ids, score: scores, fallback_reason: reason }) {
    this.ranksBefore = new Map(this.items.map(({ id }, rank) => [id, rank]));
    this.isPopularity = POPULAR.includes(reason);
    this.items = ids
      .map((id, i) => ({ id, score: scores[i] }))
      .filter(({ id }) => id !== "");
    this.#render();
  }

  /** Returns the row of an item that is shown, or undefined. */
  row(id) {
    return [...this.list.children].find(({ dataset }) => dataset.item === id);
  }

  #showMore() {
    const first = this.numShown;
    this.numShown += PAGE_SIZE;
    this.list.append(...this.#rows(first));
    this.#toggleMore();
    this.list.children[first].querySelector("button").focus();
  }

  #render() {
    const focused = document.activeElement.closest("#recommendations > li");
    const why = this.list.querySelector(".why"); // Stays until there is a newer one.
    const explained = why?.parentElement.dataset.item;
    const tops = new Map(
      [...this.list.children].map((row) => [row.dataset.item, row.offsetTop])
    );
    this.list.replaceChildren(...this.#rows(0));
    if (why) this.row(explained)?.append(why);
    this.#toggleMore();
    if (focused) this.row(focused.dataset.item)?.querySelector("button").focus();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const row of this.list.children) {
      const moved = (tops.get(row.dataset.item) ?? row.offsetTop) - row.offsetTop;
      const from = tops.has(row.dataset.item)
        ? { transform: `translateY(${moved}px)` }
        : { opacity: 0 };
      if (tops.size) row.animate([from, {}], { duration: MOVE_MS, easing: "ease-out" });
    }
  }

  #rows(first) {
    return this.items
      .slice(first, this.numShown)
      .map((item, i) => this.#row(item, first + i));
  }

  #row({ id, score }, rank) {
    const name = this.model.itemName(id);
    const button = element(
      "button",
      { type: "button", class: "item", "aria-expanded": "false" },
      element("span", { class: "rank" }, `${rank + 1}`),
      element("span", { class: "name", title: name }, name),
      this.#mark(id, rank),
      bar(0, this.#share(score), "score"),
      element("span", { class: "number" }, this.#scoreText(score))
    );
    button.addEventListener("click", () => this.onOpen(id));
    return element("li", { "data-item": id }, button);
  }

  /** Makes the mark that says how an item has moved. */
  #mark(id, rank) {
    const before = this.ranksBefore.get(id);
    let [kind, sign, words] = ["same", "", ""];
    if (this.ranksBefore.size && before === undefined) {
      [kind, sign, words] = ["new", "new", "new in the list"];
    } else if (before > rank) {
      [kind, sign, words] = ["up", `▲${before - rank}`, `up ${before - rank}`];
    } else if (before < rank) {
      [kind, sign, words] = ["down", `▼${rank - before}`, `down ${rank - before}`];
    }
    return element(
      "span",
      { class: `mark ${kind}`, title: words },
      element("span", { "aria-hidden": "true" }, sign),
      element("span", { class: "unseen" }, words)
    );
  }

  /** Returns the share of a bar: of the range of labels, or of the list. */
  #share(score) {
    const scores = this.items.map((item) => item.score);
    let [low, high] = [this.model.labels[0], this.model.labels.at(-1)];
    if (this.isPopularity) [low, high] = [0, Math.max(...scores)];
    else if (this.model.isScenario) [low, high] = [scores.at(-1), scores[0]];
    const share = (score - low) / (high - low || 1);
    return Math.min(Math.max(share, 0.01), 1);
  }

  #scoreText(score) {
    return this.isPopularity ? `${(100 * score).toFixed(2)} %` : score.toFixed(2);
  }

  #toggleMore() {
    this.moreButton.hidden = this.numShown >= this.items.length;
  }
}
