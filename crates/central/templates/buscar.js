// Searches the list of projects. The pages are whole without this: it only adds to them.
"use strict";
(async () => {
  const form = document.getElementById("buscar");
  const table = document.getElementById("lista");
  if (!form || !table) return;
  const root = form.dataset.root;
  const answer = await fetch(`${root}proyectos.json`);
  if (!answer.ok) return;
  const all = await answer.json();
  const MOST = 200;
  const plain = (text) =>
    (text ?? "").normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
  for (const one of all)
    one.words = plain([one.title, one.folio, one.place, ...one.areas].join(" "));

  const body = table.tBodies[0];
  const before = [...body.rows];
  const pages = document.getElementById("paginas");
  const said = document.getElementById("hallados");
  const text = document.getElementById("texto");
  const choices = {
    etapa: (one) => [one.stage],
    area: (one) => one.areas,
    lugar: (one) => (one.place ? [one.place] : []),
  };
  const order = new Intl.Collator("es", { numeric: true });
  for (const [name, of] of Object.entries(choices)) {
    const select = document.getElementById(name);
    const values = [...new Set(all.flatMap(of))];
    if (name !== "etapa") values.sort(order.compare);
    for (const value of values) select.add(new Option(value, value));
    // A choice among one is none.
    if (values.length < 2) select.closest("p").hidden = true;
  }

  function cell(row, label, value, className) {
    const made = row.insertCell();
    made.dataset.label = label;
    made.className = className ?? "";
    made.textContent = value ?? "";
    return made;
  }

  function bar(percent) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", "bar small");
    svg.setAttribute("viewBox", "0 0 100 6");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const [kind, width] of [["track", 100], ["actual", percent]]) {
      const part = document.createElementNS(space, "rect");
      part.setAttribute("class", kind);
      part.setAttribute("width", width);
      part.setAttribute("height", 6);
      svg.append(part);
    }
    return svg;
  }

  function shown(one) {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const link = document.createElement("a");
    link.href = `${root}proyectos/${one.folio}/`;
    link.textContent = one.title;
    const folio = document.createElement("span");
    folio.className = "folio";
    folio.textContent = one.folio;
    head.append(link, " ", folio);
    row.append(head);
    cell(row, "Lugar", one.place);
    cell(row, "Etapa", one.stage);
    cell(row, "Presupuesto", one.amount, "number");
    const progress = cell(row, "Avance físico", "");
    if (one.progress === null) {
      const none = document.createElement("span");
      none.className = "quiet";
      none.textContent = "Sin seguimiento";
      progress.append(none);
    } else {
      progress.append(bar(one.progress), ` ${Math.round(one.progress * 10) / 10} %`);
    }
    return row;
  }

  function search() {
    const words = plain(text.value).split(/\s+/).filter(Boolean);
    const chosen = Object.entries(choices)
      .map(([name, of]) => [document.getElementById(name).value, of])
      .filter(([value]) => value !== "");
    if (words.length === 0 && chosen.length === 0) {
      body.replaceChildren(...before);
      if (pages) pages.hidden = false;
      said.textContent = "";
      return;
    }
    const found = all.filter(
      (one) =>
        words.every((word) => one.words.includes(word)) &&
        chosen.every(([value, of]) => of(one).includes(value)),
    );
    body.replaceChildren(...found.slice(0, MOST).map(shown));
    if (pages) pages.hidden = true;
    const more = found.length > MOST ? `; se muestran ${MOST}` : "";
    said.textContent =
      found.length === 1 ? "1 proyecto" : `${found.length} proyectos${more}`;
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", search);
  // What the browser kept of a visit before.
  search();
})();
