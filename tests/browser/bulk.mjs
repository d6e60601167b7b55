// Many projects at a sitting: a block pasted from a spreadsheet, each row checked, undone, mended, marked ready.

import {
  ask,
  call,
  given,
  look,
  must,
  openPage,
  script,
  until,
} from "./common.mjs";

const cell = (page, folio, field) =>
  page.locator(`li[data-folio="${folio}"] [data-cell=${field}]`);

async function paste(page, text) {
  await page.evaluate((block) => {
    const data = new DataTransfer();
    data.setData("text/plain", block);
    document.activeElement.dispatchEvent(
      new ClipboardEvent("paste", {
        clipboardData: data,
        bubbles: true,
        cancelable: true,
      }),
    );
  }, text);
}

await script(async (browser) => {
  await ask("stop");
  const page = await openPage(browser, given.host);
  await page.goto(`${given.host}/app.html#/proyectos`);
  await page.locator("[data-action=bulk]").click();
  await page.waitForURL(/#\/captura-masiva$/);
  const projects = await call(given.host, "projects", { text: "" });
  const folios = projects.map((project) => project.folio);
  must(folios.length >= 3, "several projects");

  // A block of every project, with a heading, in another order than the screen; one row cannot be, one is not ours.
  const wrong = folios[1];
  const rows = folios.map((folio, at) => [
    folio,
    "12/3/2026",
    folio === wrong ? "mucho" : String(10 + at),
    "nota",
  ]);
  rows.reverse();
  rows.push(["d9_p999", "12/3/2026", "5", ""]);
  const heading = [
    "Folio",
    "Fecha de la visita",
    "Avance físico real",
    "Notas internas",
  ];
  await cell(page, folios[0], "visitedOn").click();
  const started = Date.now();
  await paste(
    page,
    [heading, ...rows].map((row) => row.join("\t")).join("\r\n"),
  );
  await page.locator(".toast", { hasText: "d9_p999" }).waitFor();
  await page.locator(`li[data-folio="${wrong}"] [data-line=wrong]`).waitFor();
  await until("every row is checked", 20_000, async () => {
    return (
      (await page.locator("[data-line=clean]").count()) === folios.length - 1
    );
  });
  console.log(
    `${folios.length} rows pasted, saved and checked in ${Date.now() - started} ms`,
  );
  must(
    (await page
      .locator(`li[data-folio="${wrong}"] [aria-invalid=true]`)
      .count()) === 1,
    "its cell is marked",
  );
  must(
    (await call(given.host, "status", {})).counts.ready === undefined,
    "nothing is sent by pasting",
  );
  await look(page, "bulk");

  // One step back, and the same again.
  await page.locator("[data-action=undo]").click();
  await until(
    "the cells are as before",
    10_000,
    async () =>
      (await cell(page, folios[2], "physicalActual").inputValue()) === "",
  );
  await cell(page, folios[0], "visitedOn").click();
  await paste(page, rows.map((row) => row.join("\t")).join("\n"));
  // Without a heading the columns are those of the screen: the second is the planned progress.
  must(
    (await cell(page, folios[2], "physicalPlanned").inputValue()) === "12",
    "laid column by column",
  );
  await page.keyboard.press("Control+z");
  await until(
    "undone with the keyboard",
    10_000,
    async () =>
      (await cell(page, folios[2], "physicalPlanned").inputValue()) === "",
  );
  await paste(page, [heading, ...rows].map((row) => row.join("\t")).join("\n"));

  // What is right is marked ready; what is not stays, with the keyboard in it.
  await page.locator(`li[data-folio="${wrong}"] [data-line=wrong]`).waitFor();
  await page.keyboard.press("Control+Enter");
  await until("the right ones are ready", 60_000, async () => {
    return (
      (await page.locator("[data-line=ready]").count()) === folios.length - 1
    );
  });
  await until("the keyboard is in the wrong cell", 10_000, async () => {
    return page
      .evaluate(
        () => document.activeElement?.closest("li[data-folio]")?.dataset.folio,
      )
      .then((at) => at === wrong);
  });
  await page.keyboard.press("Control+a");
  await page.keyboard.type("33");
  await page.locator(`li[data-folio="${wrong}"] [data-line=clean]`).waitFor();
  await page.locator("[data-action=mark-ready]").click();
  await until(
    "all are ready",
    20_000,
    async () =>
      (await page.locator("[data-line=ready]").count()) === folios.length,
  );
  const { counts } = await call(given.host, "tray", {});
  must(
    counts.ready === folios.length && !counts.draft,
    `one follow-up for each project: ${JSON.stringify(counts)}`,
  );
});
