/** The box that finds items by name or id, a combobox with a list of results. */

import { element } from "./dom.js";

const MAX_RESULTS = 8;

/** Shows the items that fit what is typed, and tells which one is chosen. */
export class ItemSearch {
  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list
   * @param {Object<string, string>} itemNames By id.
   * @param {function(string): void} onChoose Is told the id.
   */
  constructor(input, list, itemNames, onChoose) {
    this.input = input;
    this.list = list;
    this.onChoose = onChoose;
    this.active = -1;
    this.items = Object.entries(itemNames).map(([id, name]) => ({
      id,
      name: name || id,
      folded: fold(name || id),
    }));
    input.addEventListener("input", () => this.#show());
    input.addEventListener("focus", () => this.#show());
    input.addEventListener("blur", () => this.#hide());
    input.addEventListener("keydown", (event) => this.#onKey(event));
    // The input keeps the focus, so that the list is there until the click.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  /** Returns the items for a text, the best ones first; at last the text as an id. */
  find(text) {
    const typed = text.trim();
    if (!typed) return [];
    const wanted = fold(typed);
    const found = [];
    for (const item of this.items) {
      const rank = item.id === typed ? 0 : rankOf(item.folded, wanted);
      if (rank < Infinity) found.push({ ...item, rank });
    }
    found.sort((a, b) => a.rank - b.rank || a.name.length - b.name.length);
    const best = found.slice(0, MAX_RESULTS);
    if (!found.some(({ id }) => id === typed)) {
      best.push({ id: typed, name: `the item with the id “${typed}”` });
    }
    return best;
  }

  #show() {
    const found = this.find(this.input.value);
    this.list.replaceChildren(...found.map((item, i) => this.#option(item, i)));
    this.list.hidden = found.length === 0;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    this.#activate(found.length ? 0 : -1);
  }

  #option({ id, name }, number) {
    return element(
      "li",
      {
        id: `search-result-${number}`,
        role: "option",
        "data-item": id,
        onclick: () => this.#choose(id),
        onpointermove: () => this.#activate(number),
      },
      element("span", {}, name),
      element("span", { class: "hint" }, id)
    );
  }

  #hide() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.#activate(-1);
  }

  #activate(number) {
    this.active = number;
    [...this.list.children].forEach((option, i) => {
      option.setAttribute("aria-selected", String(i === number));
    });
    if (number < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `search-result-${number}`);
  }

  #choose(id) {
    this.input.value = "";
    this.#hide();
    this.onChoose(id);
  }

  #onKey(event) {
    const count = this.list.hidden ? 0 : this.list.children.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && count) this.#activate((this.active + step + count) % count);
    else if (event.key === "Enter" && count) {
      this.#choose(this.list.children[this.active].dataset.item);
    } else if (event.key === "Escape") this.#hide();
    else return;
    event.preventDefault();
  }
}

/** Lowers the case and takes accents away. */
function fold(text) {
  return text.normalize("NFD").replace(/\p{Mark}/gu, "").toLowerCase();
}

/** Returns how well a name fits: 1 from its start, 2 from a word, 3 anywhere. */
function rankOf(name, wanted) {
  const at = name.indexOf(wanted);
  if (at < 0) return Infinity;
  if (at === 0) return 1;
  return name.includes(` ${wanted}`) ? 2 : 3;
}
