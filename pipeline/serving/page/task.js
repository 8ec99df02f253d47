/** What the person has said: ratings, features, and what is to be explained. */

/**
 * A task: a user with ratings or clicks, or a scenario with clicks.
 *
 * Pairs are `{item, label, user}`: label null until it is rated; user "" for the user
 * that is recommended to.
 */
export class Task {
  /** @param {ServedModel} model Whose inputs are made. */
  constructor(model) {
    this.model = model;
    this.clear();
  }

  /** Forgets everything. */
  clear() {
    this.pairs = [];
    this.user = {}; // Text by name of the input.
    this.wantedUser = "";
    this.explainedItem = "";
  }

  /** Returns the pairs that are rated. */
  get support() {
    return this.pairs.filter(({ label }) => label !== null);
  }

  /** Returns the user whom a pair is of. */
  userOf(pair) {
    return pair.user || this.wantedUser;
  }

  /** Writes the task as the hash of an address. */
  toHash() {
    const values = new URLSearchParams();
    for (const pair of this.pairs) {
      values.append("item", pair.item);
      values.append("label", pair.label ?? "");
      if (this.model.namesUsers) values.append("by", pair.user);
    }
    for (const [name, text] of Object.entries(this.user)) if (text) values.set(name, text);
    if (this.wantedUser) values.set("for", this.wantedUser);
    if (this.explainedItem) values.set("why", this.explainedItem);
    return values.toString();
  }

  /** Reads what `toHash` wrote. */
  fromHash(hash) {
    const values = new URLSearchParams(hash);
    const labels = values.getAll("label");
    const users = values.getAll("by");
    this.pairs = values.getAll("item").map((item, i) => ({
      item,
      label: labels[i] ? Number(labels[i]) : null,
      user: users[i] ?? "",
    }));
    const named = this.model.userInputs.map(({ name }) => [name, values.get(name) ?? ""]);
    this.user = Object.fromEntries(named);
    this.wantedUser = values.get("for") ?? "";
    this.explainedItem = values.get("why") ?? "";
  }

  /** Returns the inputs of `recommend`. */
  recommendInputs() {
    const inputs = { ...this.#supportInputs(), exclude_item_id: [] };
    if (this.model.isScenario) inputs.candidate_item_id = [];
    if (this.model.namesUsers) inputs.query_user_id = this.wantedUser;
    return inputs;
  }

  /**
   * Returns the inputs of `explain` for an item: as the task is, and without its support.
   */
  explainInputs(item) {
    const query = { query_item_id: [item] };
    if (this.model.namesUsers) query.query_user_id = [this.wantedUser];
    const inputs = { ...this.#supportInputs(), ...query };
    const padding = this.support.map(() => "");
    return [inputs, { ...inputs, support_item_id: padding }];
  }

  #supportInputs() {
    const support = this.support;
    const inputs = {
      support_item_id: support.map(({ item }) => item),
      support_label: support.map(({ label }) => label),
    };
    if (this.model.namesUsers) {
      inputs.support_user_id = support.map((pair) => this.userOf(pair));
    }
    for (const { name, kind } of this.model.userInputs) {
      inputs[name] = userValue(this.user[name] ?? "", kind);
    }
    return inputs;
  }
}

/** Turns what was typed into the value of an input; nothing into an unknown one. */
function userValue(text, kind) {
  if (kind === "number") return text.trim() ? Number(text) : NaN;
  if (kind === "text") return text.trim();
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}
