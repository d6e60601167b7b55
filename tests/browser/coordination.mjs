// The coordination: which folios are still on which equipment, as a table for a spreadsheet too, and without a network
// a sentence instead of an old answer.

import { readFileSync } from "node:fs";
import {
  ask,
  check,
  given,
  must,
  openPage,
  picture,
  script,
  until,
} from "./common.mjs";

await script(async (browser) => {
  const page = await openPage(browser, given.host, {
    refusals: /\/call\/devices$/,
  });
  const row = (device) => page.locator(`tr[data-device="${device}"]`);
  await page.goto(`${given.host}/app.html#/bandeja`);
  await page.locator("[data-nav=devices]").click();
  await page.waitForURL(/#\/equipos$/);
  await row(given.out).waitFor();
  must(
    (await page.locator("tr[data-device]").count()) === 3,
    "three devices are listed",
  );

  // One has two folios out, one has none; both spoke a moment ago.
  await row(given.out).locator("summary").click();
  const out = await row(given.out).innerText();
  for (const folio of given.folios.split(","))
    check(out.includes(folio), `${given.out} shows ${folio}: ${out}`);
  check(
    (await row(given.out).locator("li [data-state=draft]").count()) === 2,
    `${given.out} has two drafts: ${out}`,
  );
  const cells = await row(given.empty).locator("td").allInnerTexts();
  check(
    cells[3].trim() === "Ninguno",
    `${given.empty} has nothing out: ${cells[3]}`,
  );
  check(
    /\d/.test(cells[4]) && !cells[4].includes("7 días"),
    `${given.empty}: last contact ${cells[4]}`,
  );
  check(/\d/.test(cells[5]), `${given.empty}: last receipt ${cells[5]}`);
  const never = await row(given.out).locator("td").allInnerTexts();
  check(
    never[5].trim() === "–",
    `${given.out} has no receipt yet: ${never[5]}`,
  );

  // Search by folio, and those who are silent.
  await page
    .locator("#device-search")
    .fill(given.folios.split(",")[0].toLowerCase());
  await until(
    "one is found by folio",
    5000,
    async () => (await page.locator("tr[data-device]").count()) === 1,
  );
  await page.locator("#device-search").fill("");
  await page.locator("[name=silent]").check();
  await until(
    "nobody is silent",
    5000,
    async () => (await page.locator("tr[data-device]").count()) === 0,
  );
  await page.locator("[name=silent]").uncheck();
  await row(given.out).waitFor();

  // As a file.
  const download = page.waitForEvent("download");
  await page.locator("[data-action=export-csv]").click();
  const file = await download;
  check(
    file.suggestedFilename() === "equipos.csv",
    `the file is called ${file.suggestedFilename()}`,
  );
  const csv = readFileSync(await file.path(), "utf8");
  const lines = csv.trim().split("\r\n");
  check(
    csv.startsWith("\u{feff}") && lines.length === 4,
    `the file has a mark and four lines: ${csv}`,
  );
  for (const folio of given.folios.split(","))
    check(csv.includes(folio), `the file names ${folio}`);
  await page.screenshot({ path: picture("coordination") });

  // Without the central endpoint: a sentence, above what was there before; from scratch, the sentence alone.
  await ask("stop");
  await page.locator("#main .push .button").first().click();
  const said = page.locator("#main").getByText("necesita conexión");
  await said.waitFor();
  await page.screenshot({ path: picture("coordination-offline") });
  await page.reload();
  await said.waitFor();
  check(
    (await page.locator("tr[data-device]").count()) === 0,
    "no old answer is shown as if it were new",
  );
  const main = await page.locator("#main").innerText();
  check(
    main.includes("No hay conexión con la Coordinación"),
    `the reason is said: ${main}`,
  );
  check(
    !/server_unreachable|undefined|\[object/.test(main),
    `in words: ${main}`,
  );

  // It is back, and so is the table: the button of the message is enough.
  await ask("start");
  await page.locator("#main .banner button").first().click();
  await row(given.out).waitFor();
});
