// Two people use one PC: neither sees the drafts of the other, the window locks when nobody uses it, and a forgotten
// passphrase is replaced with the code on paper.

import {
  ask,
  check,
  fail,
  frames,
  given,
  look,
  must,
  openPage,
  picture,
  saved,
  script,
  until,
  violations,
} from "./common.mjs";

const app = `${given.host}/app.html`;
const OTHER = "la frase de la segunda";

await script(async (browser) => {
  // Wrong passphrases and codes, and drafts of somebody else, are refused: those refusals are part of this.
  let page = await openPage(browser, given.host, {
    refusals: /\/call\/(unlock|recover|profile_add|recovery_new|draft_open)$/,
  });
  const field = (name) => page.locator(`[name=${name}]`);
  const action = (name) => page.locator(`[data-action=${name}]`).first();
  const person = (name) => page.locator(`button[data-profile="${name}"]`);
  const alert = () =>
    page.locator("main [role=alert], dialog [role=alert]").first().innerText();
  const quiet = () =>
    until(
      "no message is over the page",
      20_000,
      async () => (await page.locator(".toast").count()) === 0,
    );
  const unlock = async (passphrase) => {
    await field("passphrase").fill(passphrase);
    const answered = page.waitForResponse(/\/call\/unlock$/);
    await action("unlock").click();
    await answered;
  };
  const drafts = async () => {
    await page.locator("[data-nav=tray]").click();
    await page.locator("#main h1").waitFor();
    await until(
      "the tray is there",
      10_000,
      async () =>
        (await page.locator("li[data-follow-up], section.empty").count()) > 0,
    );
    return page.locator("li[data-follow-up]").count();
  };

  // The first person, on a PC that nobody used.
  await page.clock.install();
  await page.goto(app);
  await field("passphraseAgain").waitFor();
  await field("passphrase").fill(given.passphrase);
  await field("passphraseAgain").fill(given.passphrase);
  await action("unlock").click();
  await field("server").fill(given.central);
  await field("code").fill(given.first);
  await action("enrol").click();
  await page.waitForURL(/#\/proyectos$/);
  await page.locator("li[data-folio]").first().waitFor();

  // Stage and área with the keyboard, and what was chosen is taken off at once.
  const total = await page.locator("li[data-folio]").count();
  await page.locator("select[name=stage]").focus();
  await page.keyboard.press("End");
  await until(
    "no project is at its closure",
    10_000,
    async () => (await page.locator("li[data-folio]").count()) === 0,
  );
  await look(page, "filters");
  for (let n = 0; n < 20; n += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(
      () => document.activeElement?.dataset?.action,
    );
    if (at === "clear") break;
    must(n < 19, "the keyboard leads to «Quitar filtros»");
  }
  await page.keyboard.press("Enter");
  await until(
    "all are there again",
    10_000,
    async () => (await page.locator("li[data-folio]").count()) === total,
  );

  // The reminder leads to the profile: a name, a code on paper.
  await page.locator(".notices [data-action=recovery]").click();
  await page.waitForURL(/#\/perfil$/);
  await field("profileName").fill("Primera de muestra");
  await action("rename").click();
  await page.locator(".toast").first().waitFor();
  await page.clock.fastForward(10_000);
  await quiet();
  await look(page, "profile");
  await page.locator("section [data-action=recovery]").click();
  await field("recoveryPassphrase").fill("no es esta");
  await action("make").click();
  await page.locator("#recovery-error").waitFor();
  await field("recoveryPassphrase").fill(given.passphrase);
  await action("make").click();
  const code = await page.locator("[data-code]").innerText();
  check(/^(\w{4}-){7}\w{4}$/.test(code), `a code in groups: ${code}`);
  await look(page, "recovery-code", { whole: false });
  const download = page.waitForEvent("download");
  await action("save-page").click();
  await (await download).saveAs(given.sheet);
  await action("keep").click();
  await page.locator("[data-recovery=kept]").waitFor();

  // A draft; typing goes on until nobody uses the window any more.
  await page.goto(`${app}#/proyectos/d1_p1`);
  await action("new-follow-up").click();
  await page.locator("[data-stage=implementation]").click();
  await field("notes").fill("Nota de la primera persona");
  await saved(page);
  await page.goto(`${app}#/perfil`);
  await page.locator("select[name=lockMinutes]").selectOption("5");
  await page.locator(".toast").first().waitFor();
  await page.goBack();
  await field("notes").waitFor();
  await field("notes").press("End");
  await page.keyboard.type(", y lo último");
  // Half a minute before, it is said; a picture of it in both themes and at both widths.
  for (const [n, width] of [1280, 360].entries()) {
    for (const [m, theme] of ["light", "dark"].entries()) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: theme });
      await page.clock.fastForward(4 * 60_000 + 32_000);
      await page.locator(".soon").waitFor();
      await frames(page);
      await page.screenshot({ path: picture(`lock-soon-${width}-${theme}`) });
      if (n + m === 0)
        for (const violation of await violations(page))
          fail(`before it locks: ${violation}`);
      await page.mouse.move(100 + 10 * n, 300 + 10 * m);
      await until(
        "moving the pointer is use",
        10_000,
        async () => (await page.locator(".soon").count()) === 0,
      );
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  await page.clock.fastForward(4 * 60_000);
  must((await field("notes").count()) === 1, "it is still open");
  await page.clock.fastForward(61_000);
  await field("passphrase").waitFor();
  const shown = await page.locator("body").innerText();
  check(!shown.includes("primera persona"), "nothing of the draft is shown");
  check(
    !(await page.title()).includes("d1_p1"),
    `nor in the title: ${await page.title()}`,
  );

  check(
    await field("passphrase").evaluate((at) => at === document.activeElement),
    "the keyboard is in the passphrase",
  );

  // Wrong passphrases: said, and from the third on it costs time.
  await unlock("no es esta");
  await page.locator("#unlock-error").waitFor();
  check(
    (await page.locator("[data-wait]").count()) === 0,
    "a slip of the hand costs nothing",
  );
  for (const wrong of ["tampoco", "ni ésta"]) {
    await unlock(wrong);
    await page.locator("#unlock-error").waitFor();
  }
  await page.locator("[data-wait]").waitFor();
  must(
    await action("unlock").isDisabled(),
    "it has to be waited before the next",
  );
  await look(page, "unlock-wrong");
  await new Promise((done) => setTimeout(done, 2500));
  await page.clock.fastForward(3000);
  await unlock(given.passphrase);
  // Back where they were, with what was typed last.
  await field("notes").waitFor();
  const note = await field("notes").inputValue();
  check(
    note === "Nota de la primera persona, y lo último",
    `saved before it locked: «${note}»`,
  );

  // The second person sits down, without starting the program again.
  await page.locator("header details.menu summary").click();
  await action("change-person").click();
  await person("Primera de muestra").waitFor();
  await look(page, "choose");
  await action("add-person").click();
  await field("profileName").fill("PRIMERA de muestra");
  await field("passphrase").fill(OTHER);
  await field("passphraseAgain").fill(OTHER);
  await action("add").click();
  await page.locator("[name=profileName][aria-invalid=true]").waitFor();
  check((await alert()).includes("Primera de muestra"), await alert());
  await look(page, "add-person");
  await field("profileName").fill("Segunda de muestra");
  await action("add").click();
  await field("server").fill(given.central);
  await field("code").fill(given.second);
  await action("enrol").click();
  await page.waitForURL(/#\/proyectos$/);
  check((await drafts()) === 0, "the second sees no draft of the first");
  await page.goto(`${app}#/proyectos/d1_p2`);
  await action("new-follow-up").click();
  await page.locator("[data-stage=implementation]").click();
  await field("notes").fill("Nota de la segunda persona");
  const hers = page.url();
  // What was typed is saved by changing person.
  await page.locator("header details.menu summary").click();
  await action("change-person").click();
  await person("Segunda de muestra").waitFor();
  check(
    (await page.locator("button[data-profile]").count()) === 2,
    "two people to choose from",
  );

  // The first forgot their passphrase: that of the second does not open, the code does.
  await person("Primera de muestra").click();
  await unlock(OTHER);
  await page.locator("#unlock-error").waitFor();
  await action("forgot").click();
  await field("recoveryCode").fill(code.slice(0, -1));
  await field("passphrase").fill("una frase nueva");
  await field("passphraseAgain").fill("una frase nueva");
  await action("recover").click();
  await page.locator("[name=recoveryCode][aria-invalid=true]").waitFor();
  await look(page, "recover");
  // Without the page either: what was not sent leaves this PC sealed, and nothing changes here.
  await action("lost").focus();
  await page.keyboard.press("Enter");
  await page.locator("dialog [data-rescue=copy]").waitFor();
  page.once("dialog", (dialog) => dialog.accept(given.rescue));
  await action("rescue-save").click();
  await page.locator("dialog [data-rescue=made]").waitFor();
  await look(page, "rescue");
  await page.keyboard.press("Escape");
  check(
    await action("lost").evaluate((at) => at === document.activeElement),
    "the keyboard is back where it was",
  );
  await field("recoveryCode").fill(code.toLowerCase().replaceAll("-", " "));
  await action("recover").click();
  await page.locator("[data-nav=tray]").waitFor();
  check((await drafts()) === 1, "the first has one draft");
  // The address of a draft of another person leads nowhere.
  await page.goto(hers);
  await page.reload();
  await page.locator("#main h1").waitFor();
  check((await field("notes").count()) === 0, "that draft is somebody else's");
  await page.locator("header [data-action=lock]").click();
  await unlock("una frase nueva");
  await page.locator("[data-nav=tray]").waitFor();

  // A program that starts again asks who it is; the second finds what they typed.
  await page.context().close();
  await ask("restart");
  page = await openPage(browser, given.host);
  await page.goto(app);
  await person("Segunda de muestra").click();
  await unlock(OTHER);
  await page.locator("[data-nav=tray]").waitFor();
  check((await drafts()) === 1, "the second has one draft");
  await page.goto(hers);
  await field("notes").waitFor();
  const second = await field("notes").inputValue();
  check(
    second === "Nota de la segunda persona",
    `saved by changing person: «${second}»`,
  );

  // A profile is taken away, with what that means, and brought back.
  await page.locator("header details.menu summary").click();
  await action("change-person").click();
  const remove = page.locator('[data-remove="Primera de muestra"]');
  await remove.waitFor();
  await person("Primera de muestra").focus();
  await page.keyboard.press("Tab");
  check(
    await remove.evaluate((at) => at === document.activeElement),
    "the keyboard leads from a person to taking their profile away",
  );
  await page.keyboard.press("Enter");
  await page.locator("dialog [data-rescue=copy]").waitFor();
  await look(page, "remove-profile");
  await page.keyboard.press("Escape");
  must(
    (await page.locator("button[data-profile]").count()) === 2,
    "nothing happens without an answer",
  );
  await remove.click();
  await action("remove-profile").click();
  await page.locator("[data-section=removed] summary").click();
  await page.locator('[data-removed="Primera de muestra"]').waitFor();
  check(
    (await page.locator("button[data-profile]").count()) === 1,
    "one person is left to choose from",
  );
  await until(
    "no message is over the page",
    20_000,
    async () => (await page.locator(".toast").count()) === 0,
  );
  await look(page, "removed-profiles");
  await action("bring-back").click();
  await person("Primera de muestra").click();
  await unlock("una frase nueva");
  await page.locator("[data-nav=tray]").waitFor();
  check((await drafts()) === 1, "the first has their draft");
  // The state of sending says when the copy was made.
  await page.locator("[data-nav=status]").click();
  await page.locator("dd[data-rescue=kept]").waitFor();
});
