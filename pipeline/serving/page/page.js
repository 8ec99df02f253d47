/** Wires the page: what is said on the left is asked of the model, and shown right. */

import { byId, element } from "./dom.js";
import { explanation } from "./explanation.js";
import { ItemSearch } from "./item_search.js";
import { PairList } from "./pair_list.js";
import { fallbackWords, RecommendationList } from "./recommendation_list.js";
import { fetchJson, ServedModel } from "./served_model.js";
import { Task } from "./task.js";

const DEBOUNCE_MS = 120;

/** Asks one question at a time: a new one ends those before, whose answers are dropped. */
class Asker {
  #controller = new AbortController();

  /** Runs `ask(signal)`; what fails is told, unless it is out of date. */
  async run(ask) {
    this.#controller.abort();
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    try {
      await ask(signal);
    } catch (error) {
      if (!signal.aborted) showError(error);
    }
  }
}

/** The page of one model. */
class Page {
  #recommending = new Asker();
  #explaining = new Asker();
  #timer;

  constructor(model) {
    this.model = model;
    this.task = new Task(model);
    this.pairs = new PairList(byId("pairs"), byId("no-pairs"), this.task, () =>
      this.changed()
    );
    this.list = new RecommendationList(
      byId("recommendations"),
      byId("show-more"),
      model,
      (item) => this.open(item)
    );
    new ItemSearch(byId("search"), byId("search-results"), model.itemNames, (item) =>
      this.pairs.add(item, model.isScenario ? 1 : null)
    );
    byId("wanted-user-id").addEventListener("input", (event) => {
      this.task.wantedUser = event.target.value.trim();
      this.changed();
    });
    byId("start-over").addEventListener("click", () => {
      this.task.clear();
      this.showTask();
      this.changed();
    });
    addEventListener("hashchange", () => this.load());
    this.showModel();
  }

  /** Takes the task out of the address, and asks for it. */
  load() {
    this.task.fromHash(location.hash.slice(1));
    this.showTask();
    this.recommend();
  }

  /** Keeps the task in the address, and asks once nothing has changed for a moment. */
  changed() {
    this.save();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.recommend(), DEBOUNCE_MS);
  }

  save() {
    history.replaceState(null, "", `#${this.task.toHash()}`);
  }

  showModel() {
    const { name, manifest, isScenario, namesUsers } = this.model;
    const facts = [namesUsers ? "scenarios" : "users", `version ${manifest.model_version}`];
    if (manifest.num_items) facts.push(`${manifest.num_items.toLocaleString("en")} items`);
    document.title = `${name}: recommendations`;
    byId("model-name").textContent = name;
    byId("model-facts").textContent = facts.join(" · ");
    const toDo = isScenario ? "Click a few items" : "Rate a few items";
    const all = namesUsers ? "Say who clicks what in a scenario" : toDo;
    byId("intent").textContent = `${all}, and watch what the model makes of it.`;
    const own = isScenario ? "Your clicks" : "Your ratings";
    byId("task-title").textContent = namesUsers ? "Clicks in the scenario" : own;
    byId("wanted-user").hidden = !namesUsers;
    byId("user-features").hidden = this.model.userInputs.length === 0;
  }

  showTask() {
    this.pairs.show();
    byId("wanted-user-id").value = this.task.wantedUser;
    const rows = this.model.userInputs.map((input) => this.#userInput(input));
    byId("user-features").replaceChildren(byId("user-features").firstElementChild, ...rows);
  }

  #userInput({ name, kind }) {
    const input = element("input", {
      name,
      type: kind === "number" ? "number" : "text",
      step: kind === "number" ? "any" : undefined,
      value: this.task.user[name] ?? "",
      placeholder: kind === "list" ? "a, b" : "unknown",
      autocomplete: "off",
      oninput: () => {
        this.task.user[name] = input.value;
        this.changed();
      },
    });
    const words = name.replace("user_", "").replaceAll("_", " ");
    return element("label", {}, element("span", {}, words), input);
  }

  /** Asks for the recommendations, and why the open one is among them. */
  recommend() {
    return this.#recommending.run(async (signal) => {
      byId("recommendations").setAttribute("aria-busy", "true");
      const started = performance.now();
      const inputs = [this.task.recommendInputs()];
      const [answer] = await this.model.predict("recommend", inputs, signal);
      const took = Math.round(performance.now() - started);
      byId("latency").textContent = `answered in ${took} ms`;
      byId("error").hidden = true;
      byId("list-status").textContent = this.#statusWords(answer.fallback_reason);
      this.list.show(answer);
      byId("recommendations").removeAttribute("aria-busy");
      await this.explain();
    });
  }

  #statusWords(reason) {
    const { support } = this.task;
    const noun = this.model.isScenario ? "click" : "rating";
    const from = `From ${support.length} ${noun}${support.length === 1 ? "" : "s"}`;
    const numUnknown = support.filter(({ item }) => !this.model.knows(item)).length;
    const unknown = `, ${numUnknown} of an item that the model does not know`;
    const all = `${from}${numUnknown ? unknown : ""}. Open an item to see why.`;
    return fallbackWords(this.model, reason) || all;
  }

  /** Opens the explanation of an item, or closes it if it is the open one. */
  open(item) {
    this.task.explainedItem = this.task.explainedItem === item ? "" : item;
    this.save();
    this.explain();
  }

  /** Shows why the open item is recommended. */
  explain() {
    return this.#explaining.run(async (signal) => {
      const item = this.task.explainedItem;
      const row = this.list.row(item);
      const hasSupport = this.task.support.length > 0;
      const inputs = this.task.explainInputs(item);
      const answer =
        row && hasSupport ? await this.model.predict("explain", inputs, signal) : null;
      for (const other of document.querySelectorAll(".why")) other.remove();
      for (const button of document.querySelectorAll("button.item")) {
        button.setAttribute("aria-expanded", String(button.parentElement === row));
      }
      const rate = (label) => this.pairs.add(item, label);
      row?.append(explanation(this.task, item, answer, rate));
    });
  }
}

function showError(error) {
  byId("error").textContent = error.message;
  byId("error").hidden = false;
  byId("list-status").textContent = "";
  byId("recommendations").removeAttribute("aria-busy");
}

try {
  const config = await fetchJson(`page/config.json${location.search}`);
  new Page(new ServedModel(config)).load();
} catch (error) {
  showError(error);
}
