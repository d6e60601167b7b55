// Every screen, in both themes, on a desk and on a telephone: accessible, whole, quiet, and alone with its own host.

import {
  ask,
  call,
  check,
  fail,
  given,
  look as lookAt,
  must,
  openPage,
  saved,
  script,
  until,
} from "./common.mjs";
import { said, trapFaults } from "./tree.mjs";

const screen = (host, hash) => `${host}/app.html#/${hash}`;

/** Here every screen is also looked at as a screen reader has it. */
const look = (page, name, options = {}) =>
  lookAt(page, name, { aloud: true, ...options });

/** Closes the dialog that is open, after a look at whether the keyboard stays in it and where it goes then. */
async function leave(page, what, opener) {
  for (const fault of await trapFaults(page, opener)) fail(`${what}: ${fault}`);
}

await script(async (browser) => {
  // An equipment that is new: locked, not enrolled, empty.
  let page = await openPage(browser, given.blank);
  await page.goto(`${given.blank}/app.html`);
  await page.locator("[name=passphraseAgain]").waitFor();
  // The font of the program is here and has every letter of Spanish: one it lacked would be as wide as another font's.
  const lacking = await page.evaluate(async () => {
    const letters = "áéíóúüñÁÉÍÓÚÜÑ¿?¡!«»“”–—…·°ºª$%";
    if ((await document.fonts.load('16px "Public Sans"')).length === 0)
      return letters;
    const pen = document.createElement("canvas").getContext("2d");
    const wide = (letter, other) => {
      pen.font = `100px "Public Sans", ${other}`;
      return pen.measureText(letter).width;
    };
    return [...letters]
      .filter((letter) => wide(letter, "monospace") !== wide(letter, "serif"))
      .join("");
  });
  check(lacking === "", `the font lacks ${lacking}`);
  await look(page, "locked");
  await page.locator("[name=passphrase]").fill(given.passphrase);
  await page.locator("[name=passphraseAgain]").fill(given.passphrase);
  await page.locator("[data-action=unlock]").click();
  await page.locator("[name=code]").waitFor();
  await page.locator("[data-action=enrol]").click();
  await page.locator("[role=alert]").waitFor();
  await look(page, "enrol");
  await page.locator("[name=server]").fill(given.central);
  await page.locator("[name=code]").fill(given.code);
  await page.locator("[data-action=enrol]").click();
  await page.waitForURL(/#\/proyectos$/);
  await page.locator("[data-nav=tray]").click();
  await page.locator("section.empty").waitFor();
  await look(page, "tray-empty");
  await page.context().close();

  // One that was used before.
  page = await openPage(browser, given.locked);
  await page.goto(`${given.locked}/app.html`);
  await page.locator("[name=passphrase]").waitFor();
  must(
    (await page.locator("[name=passphraseAgain]").count()) === 0,
    "it asks for the passphrase once",
  );
  await look(page, "unlock");
  await page.context().close();

  // What the coordination sees.
  page = await openPage(browser, given.coordination);
  await page.goto(screen(given.coordination, "equipos"));
  await page.locator("tr[data-device] details summary").first().click();
  await look(page, "devices");
  await page.goto(screen(given.coordination, "revision"));
  await page.locator("#waiting-title").waitFor();
  await look(page, "review");
  await page.context().close();

  // One in the middle of its work, without a network: published, ready, a draft, a discarded one.
  const host = given.host;
  await ask("stop");
  const ready = await call(host, "draft_new", {
    folio: "d1_p2",
    stage: "implementation",
  });
  await call(host, "draft_save", {
    id: ready.id,
    values: {
      visitedOn: "12/3/2026",
      physicalActual: "15",
      physicalPlanned: "25",
    },
  });
  await call(host, "draft_ready", { id: ready.id });
  const discarded = await call(host, "draft_new", {
    folio: "d1_p3",
    stage: "implementation",
  });
  await call(host, "draft_save", {
    id: discarded.id,
    values: { physicalActual: "5" },
  });
  await call(host, "draft_discard", { id: discarded.id });
  const draft = await call(host, "draft_new", {
    folio: "d1_p1",
    stage: "implementation",
  });
  page = await openPage(browser, host);

  await page.goto(screen(host, `seguimiento/${draft.id}`));
  for (const [name, value] of Object.entries({
    visitedOn: "31/02/2026",
    physicalActual: "-5",
    financialActual: "mucho",
  }))
    await page.locator(`[name=${name}]`).fill(value);
  await page.locator("[data-group=contract] summary").click();
  await page.locator("[name=contractId]").fill("OP-9");
  await page.locator("[name=supplierRfc]").fill("GOM85");
  const chooser = page.waitForEvent("filechooser");
  await page.locator("[data-action=attach]").click();
  await (await chooser).setFiles(given.photo);
  await page.locator("li[data-file] img").waitFor();
  check(
    (await said(page)).some((text) => text.includes("1 archivo adjunto")),
    `what happened is said aloud: ${await said(page)}`,
  );
  await saved(page);
  await page.locator("[data-action=mark-ready]").click();
  await page.locator("[data-field=supplierName] .findings").waitFor();
  await page.locator("[data-connection=offline]").waitFor();
  const offline = await page.locator("[data-connection]").textContent();
  check(
    (await said(page)).includes(offline.trim()),
    `that there is no network is said aloud: ${await said(page)}`,
  );
  // Its message of a file that was added goes away by itself.
  await until(
    "no message is over the page",
    20_000,
    async () => (await page.locator(".toast").count()) === 0,
  );
  await look(page, "form-errors");

  await page.locator("[data-nav=tray]").click();
  await page.locator("li[data-follow-up] [data-state=ready]").waitFor();
  await page.locator("[data-state=published]").first().waitFor();
  await page.locator("details.card summary").click();
  await look(page, "tray");

  await page.locator("[data-nav=projects]").click();
  await page.locator("li[data-folio]").first().waitFor();
  await look(page, "projects");

  await page.goto(screen(host, "proyectos/d1_p1"));
  await page.locator("figure svg").first().waitFor();
  await page.locator("figure details summary").first().click();
  await look(page, "project");

  await page.locator("[data-action=new-follow-up]").click();
  await page.locator("dialog[open] [data-stage=closure]").waitFor();
  await look(page, "stages", { whole: false });
  await leave(page, "stages", "[data-action=new-follow-up]");

  // Every stage has its form: what it asks, a part that repeats, a datum that lacks.
  const planning = await call(host, "draft_new", {
    folio: "d1_p4",
    stage: "planning",
  });
  await page.goto(screen(host, `seguimiento/${planning.id}`));
  await page.locator("[data-field=budgetAmount] [data-action=lack]").click();
  await page.locator("[data-field=budgetAmount] select").selectOption("notYet");
  await page.locator("[data-group=breakdown] summary").click();
  await page.locator("[name=breakdownId]").fill("61401");
  await page.locator("[data-group=breakdown-2]").waitFor();
  await saved(page);
  await look(page, "form-planning");
  const contract = await call(host, "draft_new", {
    folio: "d1_p4",
    stage: "contract",
  });
  await page.goto(screen(host, `seguimiento/${contract.id}`));
  await page.locator("[data-group=guarantee] summary").click();
  await page.locator("[name=contractId]").fill("OP-2026-031");
  await saved(page);
  await look(page, "form-contract");

  const { followUps } = await call(host, "project", { folio: "d1_p1" });
  const published = followUps.find((row) => row.state === "published");
  must(published !== undefined, "a published follow-up");
  await page.goto(screen(host, `seguimiento/${published.id}`));
  await page.locator("article[data-valid=true]").waitFor();
  await look(page, "follow-up");

  await page.locator("[data-nav=status]").click();
  await page.locator("[data-action=receipt]").first().waitFor();
  await look(page, "sending");
  await page.locator("[data-action=receipt]").first().click();
  await page.locator("dialog[open] article[data-valid=true]").waitFor();
  await look(page, "receipt", { whole: false });
  await leave(page, "receipt", "[data-action=receipt]");

  await page.locator("header details.menu summary").click();
  await look(page, "menu", { whole: false });
  await page.keyboard.press("Escape");

  await page.locator("[data-nav=help]").click();
  await page.locator("kbd").first().waitFor();
  await look(page, "help");
});
