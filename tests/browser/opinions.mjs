// A problem is reported from any screen with the keyboard alone, without a network; what was begun is not lost; its
// author sees where it stands until it is applied.

import {
  ask,
  call,
  check,
  given,
  look,
  must,
  openPage,
  script,
  until,
} from "./common.mjs";

const WORDS = "La lista tarda un minuto con mil proyectos";
const SHORTCUT = "Control+Shift+R";

await script(async (browser) => {
  const { host } = given;
  await ask("stop");
  const page = await openPage(browser, host);
  const dialog = page.locator("dialog[open]").last();
  const form = page.locator("form[data-form=opinion]");
  const report = (folio) => page.locator(`li[data-report="${folio}"]`);
  const focused = (what) =>
    page.evaluate((at) => document.activeElement?.matches(at), what);
  /** Tab until something has the focus. */
  const reach = async (what) => {
    for (let n = 0; n < 25; n += 1) {
      if (await focused(what)) return;
      await page.keyboard.press("Tab");
    }
    must(false, `the keyboard does not reach ${what}`);
  };

  // Nothing was said yet: the help explains how.
  await page.goto(`${host}/app.html#/ayuda`);
  const reports = page.locator("[data-section=reports]");
  await reports.locator("[data-empty]").waitFor();
  check(
    (await page.locator("#main").innerText()).includes(
      "Reportar un problema u opinar, desde cualquier pantalla",
    ),
    "the key is in the map of keys",
  );
  await look(page, "opinions-empty");

  // Every screen that this person has.
  const addresses = [
    "bandeja",
    "proyectos",
    "proyectos/d1_p1",
    "captura-masiva",
    "envio",
    "ayuda",
    "perfil",
  ];
  for (const address of addresses) {
    await page.goto(`${host}/app.html#/${address}`);
    await page.locator("#main h1").waitFor();
    await page.keyboard.press(SHORTCUT);
    await form.waitFor();
    const shown = await form.locator(".diagnosis").innerText();
    check(shown.includes("version: "), `${address}: what goes along is shown`);
    for (const personal of ["Persona", "Obras de muestra", "d1_p1"])
      check(!shown.includes(personal), `${address}: «${personal}» in ${shown}`);
    await page.keyboard.press("Escape");
    await form.waitFor({ state: "detached" });
  }

  // Half of it is not sent, and the keyboard is where something is missing.
  await page.goto(`${host}/app.html#/proyectos`);
  await page.locator("li[data-folio]").first().waitFor();
  await page.keyboard.press(SHORTCUT);
  await form.waitFor();
  check(
    (await form.innerText()).includes("Proyectos"),
    "which screen it is about",
  );
  await look(page, "opinion-form", { whole: false });
  await reach("[data-action=opinion-send]");
  await page.keyboard.press("Enter");
  await form.locator("[role=alert]").first().waitFor();
  check(await focused("[name=impact]"), "at the first thing that is missing");
  await look(page, "opinion-errors", { whole: false });
  await page.keyboard.press("ArrowRight");
  check(
    (await form.locator("[name=impact]:checked").inputValue()) === "hinders",
    "arrows choose",
  );
  await reach("textarea[name=opinion]");
  await page.keyboard.type(WORDS);

  // Closed by accident, and the program too: what was typed is there again, also from another screen.
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });
  await until("it is on the disk", 10_000, async () => {
    const { draft } = await call(host, "opinions", {});
    return draft?.text === WORDS;
  });
  await page.goto(`${host}/app.html#/ayuda`);
  await page.reload();
  await reports.waitFor();
  await until("the help says that one was begun", 10_000, async () =>
    (await reports.locator("[data-action=report]").innerText()).includes(
      "empezaste",
    ),
  );
  await page.keyboard.press(SHORTCUT);
  await form.waitFor();
  check(
    (await form.locator("textarea").inputValue()) === WORDS,
    "what was typed",
  );
  check(
    (await form.innerText()).includes("Proyectos"),
    "the screen where it was begun",
  );
  check(
    (await form.locator("[name=impact]:checked").inputValue()) === "hinders",
    "what was chosen",
  );
  await reach("textarea[name=opinion]");
  await page.keyboard.press("Control+Enter");
  await form.waitFor({ state: "detached" });
  const waiting = reports.locator("li[data-word=waiting]");
  await waiting.waitFor();
  const folio = await waiting.getAttribute("data-report");
  check(/^R-/.test(folio), `a folio: ${folio}`);
  check((await waiting.innerText()).includes("Por enviar"), "it is only here");

  // Another from the menu, without diagnostics.
  await page.locator("header details.menu summary").click();
  await page.locator("header [data-action=report]").click();
  await form.waitFor();
  await form.locator("[name=topic][value=suggestion]").check();
  check(
    (await form.locator("[name=impact]").count()) === 0,
    "only of a problem",
  );
  await form.locator("[name=diagnostics]").uncheck();
  check((await form.locator(".diagnosis").count()) === 0, "nothing goes along");
  await form.locator("textarea").fill("Que la lista recuerde el filtro");
  await dialog.locator("[data-action=opinion-send]").click();
  await form.waitFor({ state: "detached" });
  await until(
    "both are listed",
    10_000,
    async () => (await waiting.count()) === 2,
  );
  await look(page, "opinions-waiting");

  // The network is back: they go by themselves, and each decision is told.
  await ask("start");
  const stands = (word) =>
    until(`it is ${word}`, 60_000, async () => {
      await call(host, "send_now", {});
      return (await report(folio).getAttribute("data-word")) === word;
    });
  await stands("received");
  await ask(`analysing/${folio}`);
  await stands("analysing");
  await ask(`declined/${folio}`);
  await stands("declined");
  check(
    (await report(folio).innerText()).includes("Ya se puede con Ctrl+B"),
    "why it is declined",
  );
  await ask(`applied/${folio}`);
  await stands("applied");
  const said = await report(folio).innerText();
  check(
    said.includes("Aplicado en versión 0.2.0"),
    `in which version: ${said}`,
  );
  check(said.includes("Administración"), `who decided, by role: ${said}`);
  await look(page, "opinions");

  // In English too.
  await page.locator("header details.menu summary").click();
  await page.locator("select[name=language]").selectOption("en");
  check(
    (await report(folio).innerText()).includes("Applied in version 0.2.0"),
    "in English",
  );
  await page.locator("select[name=language]").selectOption("es");

  // Locked, the key does nothing.
  await page.keyboard.press("Escape");
  await page.locator("header [data-action=lock]").click();
  await page.locator("[name=passphrase]").waitFor();
  await page.keyboard.press(SHORTCUT);
  await new Promise((done) => setTimeout(done, 300));
  check((await page.locator("dialog").count()) === 0, "not while it is locked");
});
