// A follow-up waits for the coordination, is observed on a field, comes back to the form of its author, is corrected
// and accepted; another is accepted at once. By the keyboard where there is a key.

import {
  call,
  check,
  given,
  look,
  must,
  openPage,
  saved,
  script,
  until,
} from "./common.mjs";

const WORDS = "La bitácora dice otra cosa: revisa el avance de la visita.";

await script(async (browser) => {
  const { desk, author } = given;
  await call(desk, "send_now", {});
  const page = await openPage(browser, desk);
  await page.goto(`${desk}/app.html#/bandeja`);
  await page.locator("[data-nav=review]").click();
  await page.waitForURL(/#\/revision$/);
  const rows = page.locator("li[data-row]");
  await rows.nth(1).waitFor();
  must((await rows.count()) === 2, "two wait");
  const row = (folio) => rows.filter({ hasText: folio });
  const said = await row(given.first).innerText();
  check(said.includes("Obras de muestra"), `the área by its name: ${said}`);
  check(said.includes("Sin capacitación"), `why it waits: ${said}`);

  // A letter decides nothing that was not on the screen.
  await row(given.first).locator("[data-open]").focus();
  await page.keyboard.press("a");
  await page.locator("[data-decide]").waitFor();
  check((await rows.count()) === 2, "nothing was accepted unseen");
  await page.keyboard.press("o");
  const detail = page.locator("[data-decide]");
  await detail.locator("select").first().waitFor();
  await detail
    .locator("tr")
    .filter({ hasText: "Avance físico real" })
    .locator("[data-action=observe-field]")
    .click();
  check(
    await detail.locator("[data-action=send]").isDisabled(),
    "an observation has words",
  );
  await detail.locator("textarea").fill(WORDS);
  await detail.locator("select").last().selectOption("5");
  await look(page, "review-observe");
  await detail.locator("[data-action=send]").click();
  await detail.waitFor({ state: "detached" });

  await row(given.second).locator("[data-open]").focus();
  await page.keyboard.press("Enter");
  await detail.waitFor();
  await page.keyboard.press("a");
  await until("both were decided", 20_000, async () => {
    await call(desk, "send_now", {});
    return (await rows.count()) === 0;
  });
  await look(page, "review-done");

  // The author's equipment.
  const mine = await openPage(browser, author);
  const address = `${author}/app.html#/seguimiento/${given.id}`;
  await until("it came back with its observation", 20_000, async () => {
    await call(author, "send_now", {});
    const [found] = await call(author, "reviews", { id: given.id });
    return found?.central.state === "observed";
  });
  await mine.goto(`${author}/app.html#/bandeja`);
  await mine.locator(`a[href="#/seguimiento/${given.id}"]`).first().waitFor();
  await look(mine, "tray-observed");
  await mine.goto(address);
  const review = mine.locator(`[data-review="${given.id}"]`);
  await review.waitFor();
  check((await review.innerText()).includes(WORDS), "what was observed");
  await look(mine, "follow-up-observed");
  await review.locator("[data-action=correct]").click();
  const field = mine.locator("[data-field=physicalActual]");
  await field.waitFor();
  const beside = field.locator("[data-rule=review-observed]");
  await beside.waitFor();
  check((await beside.innerText()).includes(WORDS), "beside its field");
  check(
    await field
      .locator("input")
      .evaluate((at) => at === document.activeElement),
    "work begins at what was observed",
  );
  check(
    (await field.locator("input").inputValue()).startsWith("10"),
    "what was sent is there already",
  );
  await look(mine, "form-correction");
  await field.locator("input").fill("12");
  await mine.locator("[name=visitedOn]").focus();
  await saved(mine);
  await mine.keyboard.press("Control+Enter");
  await mine
    .waitForURL((url) => !url.hash.includes("seguimiento/"), {
      timeout: 20_000,
    })
    .catch(() => undefined);
  await until("the correction waits", 20_000, async () => {
    await call(author, "send_now", {});
    await call(desk, "send_now", {});
    return (await rows.count()) === 1;
  });
  await rows.first().locator("[data-open]").focus();
  await page.keyboard.press("Enter");
  await detail.waitFor();
  check((await detail.innerText()).includes("12"), "what it changes");
  await page.keyboard.press("a");
  await until("it was accepted", 20_000, async () => {
    await call(desk, "send_now", {});
    return (await rows.count()) === 0;
  });
});
