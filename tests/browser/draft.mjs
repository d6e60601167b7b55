// A draft is looked after: what may be a duplicate is told, how values were read is said, a change is taken back, an
// earlier version comes back, and a newer form does not touch it.

import {
  ask,
  call,
  check,
  given,
  look,
  openPage,
  saved,
  script,
  until,
} from "./common.mjs";

await script(async (browser) => {
  const host = given.host;
  const begin = { folio: "d1_p1", stage: "implementation" };
  const draft = await call(host, "draft_new", begin);
  await ask("form");
  await call(host, "send_now", {});
  await until("the new form came", 20_000, async () => {
    const open = await call(host, "draft_open", { id: draft.id });
    return open.newerForm === draft.form.version + 1;
  });

  const page = await openPage(browser, host);
  await page.goto(`${host}/app.html#/seguimiento/${draft.id}`);
  const field = (name) => page.locator(`[name=${name}]`);
  const value = (name) => field(name).inputValue();
  const heading = () => page.locator("main h1").first().textContent();
  await field("visitedOn").waitFor();
  check((await heading()).trim() === draft.form.title.es, "its own form");

  // The day of one that was published already, and numbers as people write them.
  await field("visitedOn").fill("10 de julio de 2026");
  await field("physicalPlanned").fill("70");
  await field("physicalActual").fill("35 %");
  await field("financialActual").fill("cuarenta");
  await field("visitedOn").focus();
  await saved(page);
  const told = page.locator("[data-rule=possible-duplicate]");
  await told.waitFor();
  const link = await told.locator("a").getAttribute("href");
  check(/^#\/seguimiento\//.test(link), `the other follow-up: ${link}`);
  const read = (name) =>
    page.locator(`[data-field=${name}] [data-understood]`).textContent();
  check((await read("physicalActual")).includes("35 %"), "how it was read");
  check((await read("visitedOn")).includes("2026"), "which day it was read as");
  check(
    (await page
      .locator("[data-field=financialActual] [data-understood]")
      .count()) === 0,
    "what cannot be read was not understood",
  );
  await field("financialActual").fill("");
  await field("visitedOn").focus();
  await saved(page);
  await look(page, "form-duplicate");

  // Another day, another visit.
  await field("visitedOn").fill("11/07/2026");
  await told.waitFor({ state: "detached" });

  // One change after the other is taken back, and made again.
  await field("physicalActual").focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("36");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Control+Z");
  check((await value("physicalActual")) === "35 %", "taken back");
  await page.keyboard.press("Control+Y");
  check((await value("physicalActual")) === "36", "made again");

  // A part that was emptied, a file that was taken out.
  await page.locator("[data-group=contract] summary").click();
  await field("contractId").fill("OP-9");
  await field("contractTitle").fill("Obra de muestra");
  await saved(page);
  const chooser = page.waitForEvent("filechooser");
  await page.locator("[data-action=attach]").click();
  await (await chooser).setFiles(given.photo);
  await page.locator("li[data-file]").waitFor();
  await page.locator("[data-group=contract] [data-action=empty]").click();
  check((await value("contractId")) === "", "emptied");
  await saved(page);
  await page.locator("li[data-file] [data-action=remove-file]").click();
  await page.locator("li[data-file]").waitFor({ state: "detached" });
  await page
    .locator(".toast")
    .filter({ hasText: "se quitó" })
    .getByRole("button", { name: "Deshacer" })
    .click();
  await page.locator("li[data-file]").waitFor();
  // What is there now is in no version.
  await field("physicalActual").fill("37");
  await field("visitedOn").focus();
  await saved(page);

  await page.locator("[data-action=versions]").click();
  const version = page.locator("dialog[open] [data-version]");
  await version.first().waitFor();
  // At least those; on a slow machine also one of some minutes of typing.
  for (const why of ["antes de borrar datos", "antes de quitar un archivo"])
    check((await version.filter({ hasText: why }).count()) === 1, why);
  await until(
    "no message is over the page",
    25_000,
    async () => (await page.locator(".toast").count()) === 0,
  );
  await look(page, "versions", { whole: false });
  await version
    .filter({ hasText: "antes de borrar datos" })
    .locator("[data-action=restore-version]")
    .click();
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  check((await value("contractId")) === "OP-9", "what was emptied is back");
  // A draft that was gone back to still has what was there before.
  await page.locator("[data-action=versions]").click();
  await version.first().waitFor();
  const newest = await version.first().textContent();
  check(newest.includes("antes de volver a otra versión"), newest);
  await page.keyboard.press("Escape");
  const stored = await call(host, "draft_open", { id: draft.id });
  check(stored.values.contractTitle === "Obra de muestra", "on the disk");
  check(stored.form.version === draft.form.version, "with its own form");
});
