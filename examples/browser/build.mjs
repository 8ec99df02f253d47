/** Copies the page, the runtime and an export into one folder of static files. */

import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

const HERE = import.meta.dirname;
const PAGE = ["index.html", "page.css", "page.js", "onnx_model.js"];
const RUNTIME = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"];
const RUNTIME_DIR = join(HERE, "node_modules", "onnxruntime-web", "dist");

const [version, target = join(HERE, "dist")] = process.argv.slice(2);
if (!version) {
  console.error("usage: npm run build -- VERSION [TARGET], such as cmml.onnx/1796072830");
  process.exit(2);
}
await rm(join(target, "model"), { recursive: true, force: true });
await mkdir(join(target, "runtime"), { recursive: true });
await Promise.all([
  ...PAGE.map((name) => cp(join(HERE, name), join(target, name))),
  ...RUNTIME.map((name) => cp(join(RUNTIME_DIR, name), join(target, "runtime", name))),
  cp(version, join(target, "model"), { recursive: true, filter: isServed }),
]);
console.log(`Wrote ${target}: serve it as static files.`);

/** Real requests are for replaying, and never go to a page. */
function isServed(path) {
  return !path.endsWith("parity_requests.jsonl") && !path.endsWith("request_examples");
}
