/** Builds nodes of the document. */

/**
 * Makes an element. Children that are strings become text, never HTML.
 *
 * @param {string} tag
 * @param {Object} attributes By name. `onclick` and the like are listeners; true is an
 *     attribute without a value, false and undefined none.
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Returns the element of the page with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Makes a bar from one share of its width to another.
 *
 * @param {number} from In [0, 1], as `to`; either may be the larger.
 * @param {number} to
 * @param {string} kind A class: "score", "plus" or "minus".
 */
export function bar(from, to, kind) {
  const filled = element("span", { class: kind });
  filled.style.left = `${100 * Math.min(from, to)}%`;
  filled.style.width = `${100 * Math.abs(to - from)}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}
