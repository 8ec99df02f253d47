/** An export to ONNX, asked by ids, in a browser or in node. */

const UNKNOWN = 0;
const WEIGHTS = "weights.bin"; // Of all graphs.
const REASONS = ["", "user_features", "scenario", "popularity"];

/** A model whose tasks are users. Everything is read by `open`; later nothing is. */
export class OnnxModel {
  /**
   * Reads a version.
   *
   * @param {Object} ort The module `onnxruntime-web` or `onnxruntime-node`.
   * @param {function(string): Promise<Uint8Array>} read Reads a file of the version.
   * @param {string[]} signatures Those that will be asked.
   * @returns {Promise<OnnxModel>}
   */
  static async open(ort, read, signatures = ["recommend"]) {
    const text = async (name) => new TextDecoder().decode(await read(name));
    const manifest = JSON.parse(await text("manifest.json"));
    const tableOf = async (name) => (await text(`${name}.txt`)).split("\n").slice(0, -1);
    const known = Object.entries(manifest.features)
      .filter(([, feature]) => feature.vocabulary_size)
      .map(([name]) => name);
    const names = [...manifest.roles.map((role) => `${role}_id`), ...known];
    const externalData = [{ path: WEIGHTS, data: await read(WEIGHTS) }];
    const [tables, sessions, itemNames] = await Promise.all([
      byName(names, tableOf),
      byName(signatures, async (name) =>
        ort.InferenceSession.create(await read(`${name}.onnx`), { externalData })
      ),
      "item_names.json" in manifest.files ? text("item_names.json") : "{}",
    ]);
    return new OnnxModel(ort, manifest, tables, sessions, JSON.parse(itemNames));
  }

  constructor(ort, manifest, tables, sessions, itemNames) {
    this.ort = ort;
    this.manifest = manifest;
    this.itemIds = tables.item_id;
    this.itemNames = itemNames;
    this.sessions = sessions;
    this.rows = Object.fromEntries(
      Object.entries(tables).map(([name, values]) => [
        name,
        new Map(values.map((value, line) => [value, line + 1])),
      ])
    );
  }

  /** Returns the name of an item, or its id where it has none. */
  itemName(id) {
    return (Object.hasOwn(this.itemNames, id) && this.itemNames[id]) || id;
  }

  /**
   * Adapts to a user, and finds the best items that this user has not rated.
   *
   * @param {Array<[string, number]>} support Ids of items with their labels.
   * @param {Object} user Features by name: a text, several, or a number.
   * @returns {Promise<{reason: string, items: Array<{id: string, score: number}>}>}
   *     Best first; the reason is "" where they come from the support set.
   * @throws {Error} If a label is out of range, or the model is not of this kind.
   */
  async recommend(support, user = {}) {
    const { setting, normalize_ids: normalizes, features } = this.manifest;
    if (setting !== "user" || normalizes) {
      throw new Error(
        "The model must have users as tasks, and ids as they are written; got the " +
          `setting "${setting}", normalize_ids ${normalizes}.`
      );
    }
    const items = support.map(([id]) => this.rows.item_id.get(id.trim()) ?? UNKNOWN);
    const rows = {
      support_item_row: [items],
      support_label: [support.map(([, label]) => this.#checked(label))],
      exclude_item_row: [items],
    };
    for (const name of Object.keys(features)) {
      rows[`user_${name}`] = [this.#feature(name, user[name])];
    }
    const answer = await this.ask("recommend", rows);
    const [scores, reason] = [answer.score.data, REASONS[answer.fallback.data[0]]];
    const found = Array.from(answer.item_row.data, (row, place) => ({
      id: row === UNKNOWN ? "" : this.itemIds[row - 1],
      score: scores[place],
    }));
    return { reason, items: found.filter(({ id }) => id !== "") };
  }

  /**
   * Asks a graph.
   *
   * @param {string} signature One that was opened.
   * @param {Object} rows Its inputs by name, as nested lists.
   * @returns {Promise<Object>} Tensors by name, each with `data` and `dims`.
   */
  async ask(signature, rows) {
    const session = this.sessions[signature];
    const specs = this.manifest.by_rows[signature].inputs;
    // Of some signatures the graph makes no use of every input.
    const inputs = session.inputNames.map((name) => [
      name,
      this.#tensor(specs[name].dtype, rows[name]),
    ]);
    return session.run(Object.fromEntries(inputs));
  }

  #tensor(dtype, values) {
    const dims = [];
    for (let part = values; Array.isArray(part); [part] = part) dims.push(part.length);
    const flat = values.flat(Infinity);
    const data =
      dtype === "float32"
        ? Float32Array.from(flat, (value) => value ?? NaN)
        : Int32Array.from(flat);
    return new this.ort.Tensor(dtype, data, dims);
  }

  #checked(label) {
    const { label_min: least, label_max: most } = this.manifest;
    if (label >= least && label <= most) return label;
    throw new RangeError(`A label must be within [${least}, ${most}], got ${label}.`);
  }

  /** Returns rows of known values, then 0; of a number itself, null if unknown. */
  #feature(name, value) {
    const { kind, max_values: most } = this.manifest.features[name];
    if (kind === "numeric") return value ?? null;
    const texts = [value ?? []].flat().map((text) => text.trim());
    const counted = [...new Set(texts)].filter(Boolean).slice(0, most);
    const table = this.rows[name] ?? new Map();
    const known = counted.map((text) => table.get(text)).filter(Boolean);
    return [...known, ...Array(most - known.length).fill(UNKNOWN)];
  }
}

/** Collects what a function promises for each name. */
async function byName(names, make) {
  const made = names.map(async (name) => [name, await make(name)]);
  return Object.fromEntries(await Promise.all(made));
}
