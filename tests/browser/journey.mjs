// A person activates the equipment, captures without a network, and sees it published when the network is back.

import {
  ask,
  call,
  check,
  fail,
  frames,
  given,
  must,
  openPage,
  picture,
  plain,
  saved,
  script,
  until,
} from "./common.mjs";

const app = `${given.host}/app.html`;

await script(async (browser) => {
  // A wrong code is refused by the central endpoint: that refusal is part of this.
  const page = await openPage(browser, given.host, {
    refusals: /\/call\/enrol$/,
  });
  const field = (name) => page.locator(`[name=${name}]`);
  const findings = (name) => page.locator(`[data-field=${name}] .findings li`);
  const text = async (css) =>
    (await page.locator(css).first().innerText()).replace(/\s+/g, " ").trim();

  // Locked and new: a passphrase is chosen.
  await page.goto(app);
  await field("passphrase").fill("corta");
  await page.locator("[data-action=unlock]").click();
  check(
    (await text("[role=alert]")).includes("8"),
    "a short passphrase is refused with the rule",
  );
  await field("passphrase").fill(given.passphrase);
  await field("passphraseAgain").fill(`${given.passphrase} otra`);
  await page.locator("[data-action=unlock]").click();
  await page.locator("[name=passphraseAgain][aria-invalid=true]").waitFor();
  await field("passphraseAgain").fill(given.passphrase);
  await page.locator("[data-action=unlock]").click();

  // Not enrolled: a wrong code says so beside its field; the right one, written as people write it, opens the list.
  await field("server").fill(given.central);
  await field("code").fill("0000000000");
  await field("device").fill("Laptop de muestra");
  await page.locator("[data-action=enrol]").click();
  await page.locator("[name=code][aria-invalid=true]").waitFor();
  const refusal = await text("[role=alert]");
  check(
    refusal.includes("0000000000"),
    `the refusal names the code: ${refusal}`,
  );
  await field("code").fill(` ${given.code.toLowerCase()} `);
  await page.locator("[data-action=enrol]").click();

  // The whole list, and a search without accents or capitals.
  await page.waitForURL(/#\/proyectos$/);
  const rows = page.locator("li[data-folio]");
  await until(
    `${given.count} projects`,
    20_000,
    async () => (await rows.count()) === Number(given.count),
  );
  // Rows out of sight are not drawn: their text is there all the same.
  const titles = await rows.locator("a").allTextContents();
  for (const typed of ["pavimentacion", "Pavimentación"]) {
    const expected = titles.filter((title) =>
      plain(title).includes("pavimentacion"),
    ).length;
    must(
      expected > 0 && expected < titles.length,
      "the list has some, not all, of what is searched",
    );
    await page.locator("#project-search").fill(typed);
    await until(
      `${expected} found for «${typed}»`,
      10_000,
      async () => (await rows.count()) === expected,
    );
  }
  await page.locator("#project-search").fill(given.folio);
  await page.locator(`li[data-folio="${given.folio}"] a`).click();
  await page.locator("[data-action=new-follow-up]").waitFor();

  // Without a network from here on.
  await ask("stop");
  await page.locator("[data-action=new-follow-up]").click();
  await page.locator("[data-stage=implementation]").click();
  await page.waitForURL(/#\/seguimiento\//);
  await field("visitedOn").waitFor();

  // What cannot be is said beside its field while it is typed, and goes when it is mended.
  for (const [name, wrong, rule, right] of [
    ["visitedOn", "31/02/2026", "date-format", "12/03/2026"],
    ["physicalActual", "-5", "percent-range", "35"],
  ]) {
    await field(name).fill("");
    await field(name).pressSequentially(wrong);
    await page
      .locator(`[data-field=${name}] .findings [data-rule=${rule}]`)
      .waitFor();
    check(
      (await findings(name).first().innerText()).includes(wrong),
      `${name}: what is said names «${wrong}»`,
    );
    check(
      (await field(name).getAttribute("aria-invalid")) === "true",
      `${name}: marked as wrong`,
    );
    await field(name).fill("");
    await field(name).pressSequentially(right);
    await until(
      `${name}: nothing to say`,
      10_000,
      async () => (await findings(name).count()) === 0,
    );
    check(
      (await field(name).getAttribute("aria-invalid")) === null,
      `${name}: no longer marked`,
    );
  }
  await field("physicalPlanned").fill("50");
  await field("financialPlanned").fill("40");

  // The page goes away in the middle of a word: what was saved is there again.
  const before = `Nota interna ${given.canary}, revisada con el área`;
  await field("notes").pressSequentially(before);
  await saved(page);
  await field("notes").pressSequentially(" y algo que quiz");
  await page.reload();
  await field("notes").waitFor();
  const after = await field("notes").inputValue();
  check(after.startsWith(before), `after reloading the notes are «${after}»`);
  for (const [name, value] of Object.entries({
    visitedOn: "12/03/2026",
    physicalPlanned: "50",
    physicalActual: "35",
    financialPlanned: "40",
  })) {
    const found = await field(name).inputValue();
    check(
      found === value,
      `after reloading ${name} is «${found}», not «${value}»`,
    );
  }
  await field("notes").fill(before);

  // The parts that are folded.
  for (const group of ["milestone", "contract", "payment"])
    await page.locator(`[data-group=${group}] summary`).click();
  await field("financialActual").fill("20 %");
  await field("milestoneTitle").fill("Inicio de obra");
  await field("milestoneDue").fill("10/02/2026");
  await field("milestoneStatus").selectOption("met");
  await field("milestoneMet").fill("11/2/2026");
  await field("contractId").fill(given.contract);
  await field("contractTitle").fill("Obra de muestra");
  await field("supplierName").fill("Constructora de muestra");
  await field("supplierRfc").fill("cmu-010203-ab1");
  await field("contractAmount").fill("$50,000.00 MXN");
  await field("contractSigned").fill("2/2/2026");
  await field("paymentId").fill("EST-1");
  await field("paymentDate").fill("20/02/2026");
  await field("paymentAmount").fill("10,000.00");
  await saved(page);

  // Evidence.
  const chooser = page.waitForEvent("filechooser");
  await page.locator("[data-action=attach]").click();
  await (await chooser).setFiles(given.photo);
  await page.locator("li[data-file] img").waitFor();
  await until(
    "the errors are gone",
    10_000,
    async () => (await page.locator(".findings .error").count()) === 0,
  );
  await page.screenshot({ path: picture("journey-form"), fullPage: true });

  // Ready: it is here and nowhere else, and the page says so.
  const folio = /\S+-\S+/.exec(await text("#main p.soft .nums"))?.[0];
  await page.locator("[data-action=mark-ready]").click();
  await page.waitForURL(new RegExp(`#/proyectos/${given.folio}$`));
  await page.locator("[data-connection=offline]").waitFor();
  check(
    (await text("[data-count=here]")).endsWith(" 1"),
    `the bar says ${await text("[data-count=here]")}`,
  );
  check(
    (await text("[data-count=received]")).includes("0 de 1"),
    `the bar says ${await text("[data-count=received]")}`,
  );
  await page.locator("[data-nav=tray]").click();
  const mine = page.locator("li[data-follow-up]");
  await mine.locator("[data-state=ready]").waitFor();
  check((await mine.textContent()).includes(folio), `the tray shows ${folio}`);
  await page.screenshot({ path: picture("journey-waiting") });

  // The network is back: nobody touches the page.
  await ask("start");
  const chip = async () =>
    mine.locator("[data-state]").getAttribute("data-state");
  const arrived = ["received", "accepted", "published"];
  const received = await until("it is received by itself", 90_000, async () =>
    arrived.includes(await chip()),
  ).catch(async (error) => {
    throw new Error(
      `${error.message}; the client says ${JSON.stringify(await call(given.host, "status", {}))}`,
    );
  });
  const published = await until(
    "it is published by itself",
    60_000,
    async () => (await chip()) === "published",
  );
  console.log(
    `received ${received.toFixed(1)} s after the network came back, published ${published.toFixed(1)} s later`,
  );
  await page.locator("[data-connection=online]").waitFor();
  for (const [count, said] of Object.entries({
    here: " 0",
    received: "1 de 1",
    files: "1 de 1",
  })) {
    await until(`the bar says ${said} of ${count}`, 10_000, async () =>
      (await text(`[data-count=${count}]`)).endsWith(said),
    );
  }
  await frames(page);
  await page.screenshot({ path: picture("journey-published") });

  // The receipt, and the project with what was captured.
  await page.locator("[data-nav=status]").click();
  await page.locator("[data-action=receipt]").click();
  await page.locator("dialog[open] article[data-valid=true]").waitFor();
  check(
    (await text("dialog[open] article")).includes(folio),
    "the receipt names the folio",
  );
  await page.keyboard.press("Escape");
  await until(
    "the dialog closes",
    5000,
    async () => (await page.locator("dialog[open]").count()) === 0,
  );
  await page.goto(`${app}#/proyectos/${given.folio}`);
  await page.getByText(given.contract).first().waitFor();
  const shown = await text("#main");
  for (const word of [
    "35 %",
    "Constructora de muestra",
    "Inicio de obra",
    "EST-1",
  ])
    check(shown.includes(word), `the project shows «${word}»`);
  if (shown.includes(given.canary))
    fail("the project shows an internal note among what is published");
  await page.screenshot({ path: picture("journey-project"), fullPage: true });
});
