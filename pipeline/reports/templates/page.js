// Sorts by the cells' keys: numbers by value, text by letters, what is missing last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, n) => head.querySelector("button").onclick = () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[n].dataset.key;
    const order = (a, b) => {
      if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
      const gap = Number(key(a)) - Number(key(b));
      const rise = Number.isNaN(gap) ? key(a).localeCompare(key(b)) : gap;
      return up ? rise : -rise;
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
  });
}
