/** What the page knows of the model, and how it asks it. */

const MAX_STEPS = 10;

/** A model behind the REST API of the server. */
export class ServedModel {
  /**
   * @param {Object} config As `page/config.json` has it.
   * @throws {Error} If the version lacks what the page needs.
   */
  constructor({ model_name, manifest, item_names }) {
    for (const key of ["setting", "signatures", "label_min", "label_max"]) {
      if (!(key in manifest)) {
        throw new Error(
          `manifest.json of model "${model_name}" has no "${key}". Export it again.`
        );
      }
    }
    this.name = model_name;
    this.manifest = manifest;
    this.isScenario = manifest.setting === "scenario"; // With clicks, not ratings.
    // Where users are tasks, all clicks are of the one who asks.
    this.namesUsers = "query_user_id" in (manifest.signatures.recommend?.inputs ?? {});
    this.isTrained = manifest.epochs !== 0; // Else the start, the closed form, was kept.
    this.itemNames = item_names;
    this.labels = labelsWithin(manifest.label_min, manifest.label_max);
    this.userInputs = userInputs(manifest);
    this.modulationWidths = Object.entries(manifest.modulation ?? {});
  }

  /** Returns the name of an item, or its id where it has none. */
  itemName(id) {
    return (Object.hasOwn(this.itemNames, id) && this.itemNames[id]) || id;
  }

  /** Whether an item may be one of the model's; of very many not all are named here. */
  knows(id) {
    const namesAll = Object.keys(this.itemNames).length >= this.manifest.num_items;
    return !namesAll || Object.hasOwn(this.itemNames, id);
  }

  /**
   * Asks for one or more tasks.
   *
   * @param {string} signature
   * @param {Object[]} instances Inputs of each task, by name.
   * @param {AbortSignal} signal
   * @returns {Promise<Object[]>} Outputs of each task, by name.
   * @throws {Error} In the words of the server.
   */
  async predict(signature, instances, signal) {
    const url = `v1/models/${encodeURIComponent(this.name)}:predict`;
    const body = asJson({ signature_name: signature, instances });
    const answer = await fetchJson(url, { method: "POST", body, signal });
    return answer.predictions;
  }
}

/**
 * Fetches JSON.
 *
 * @throws {Error} In the words of the server, or saying that it does not answer.
 */
export async function fetchJson(url, options = {}) {
  let response, answer;
  try {
    response = await fetch(url, options);
    answer = await response.json();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Error(`The server does not answer as it should: ${error.message}`);
  }
  if (!response.ok) throw new Error(answer.error ?? `The server says ${response.status}.`);
  return answer;
}

/** Writes JSON with NaN, which servers take for an unknown number. */
function asJson(value) {
  if (Array.isArray(value)) return `[${value.map(asJson)}]`;
  if (typeof value === "object") {
    const members = Object.entries(value).map(([k, v]) => `${asJson(k)}:${asJson(v)}`);
    return `{${members}}`;
  }
  return Number.isNaN(value) ? "NaN" : JSON.stringify(value);
}

/** Lists the labels to choose from: whole or half ones, or ten steps. */
function labelsWithin(low, high) {
  const goesInto = (step) =>
    Number.isInteger(low / step) && (high - low) / step <= MAX_STEPS;
  const step = [1, 0.5].find(goesInto) ?? (high - low) / MAX_STEPS;
  const count = Math.floor((high - low) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => Number((low + i * step).toFixed(6)));
}

/** Lists the inputs that describe a user: their names, and "text", "list" or "number". */
function userInputs({ signatures, user_features: features = [] }) {
  const place = ({ name }) => features.indexOf(name.replace("user_", ""));
  return Object.entries(signatures.recommend?.inputs ?? {})
    .filter(([name]) => name.startsWith("user_"))
    .map(([name, { dtype, shape }]) => {
      const kind = dtype !== "string" ? "number" : shape.length === 2 ? "list" : "text";
      return { name, kind };
    })
    .sort((a, b) => place(a) - place(b));
}
