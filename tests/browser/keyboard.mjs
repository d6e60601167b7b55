// The common case with the keyboard alone, counted: from the list to «Listo» in at most 25 groups of keystrokes.

import {
  check,
  given,
  must,
  openPage,
  picture,
  saved,
  script,
  until,
} from "./common.mjs";

const LIMIT = 25;

await script(async (browser) => {
  const page = await openPage(browser, given.host);
  let groups = 0;
  /** Where the keyboard is, and whether that can be seen. */
  const focus = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      const style = at ? getComputedStyle(at) : null;
      const ring = style
        ? style.outlineStyle !== "none" || style.boxShadow !== "none"
        : false;
      return {
        name:
          at?.getAttribute("name") ??
          at?.dataset?.stage ??
          at?.dataset?.action ??
          at?.tagName,
        href: at?.getAttribute("href"),
        ring,
      };
    });
  const press = async (key) => {
    groups += 1;
    await page.keyboard.press(key);
  };
  const type = async (text) => {
    groups += 1;
    await page.keyboard.type(text);
  };
  /** Presses Tab until it is there; each press counts. */
  const tabTo = async (what, there) => {
    for (let n = 0; n < 8; n += 1) {
      await press("Tab");
      const at = await focus();
      check(at.ring, `the focus can be seen on ${JSON.stringify(at)}`);
      if (there(at)) return;
    }
    must(
      false,
      `eight tabs do not lead to ${what}: ${JSON.stringify(await focus())}`,
    );
  };
  const isAt = (name) =>
    until(
      `the focus is in ${name}`,
      10_000,
      async () => (await focus()).name === name,
    );

  await page.goto(`${given.host}/app.html#/proyectos`);
  await page.locator("li[data-folio]").first().waitFor();
  await isAt("H1");

  // From the list to the form.
  await press("Control+b");
  await isAt("search");
  await type(given.folio);
  await until(
    "the project is found",
    10_000,
    async () => (await page.locator("li[data-folio]").count()) === 1,
  );
  // From the search to what it found, without a Tab for each filter between them.
  await press("Enter");
  await until("the focus is on the project", 10_000, async () => {
    const at = await focus();
    return at.ring && at.href?.endsWith(given.folio);
  });
  await press("Enter");
  await page.locator("[data-action=new-follow-up]").waitFor();
  await isAt("H1");
  await tabTo("new follow-up", (at) => at.name === "new-follow-up");
  await press("Enter");
  // Which stage: the likely one has the focus.
  await isAt("implementation");
  await press("Enter");

  // The form begins at its first field; Enter moves on and sends nothing.
  await isAt("visitedOn");
  for (const [name, value] of [
    ["visitedOn", "ayer"],
    ["physicalPlanned", "50"],
    ["physicalActual", "35"],
    ["financialPlanned", "40"],
  ]) {
    await isAt(name);
    await type(value);
    await press("Enter");
  }
  await isAt("financialActual");
  await type("20");
  await press("Control+Enter");
  await page.waitForURL(new RegExp(`#/proyectos/${given.folio}$`));
  await page.locator("li[data-follow-up] [data-state]").waitFor();
  await page.screenshot({ path: picture("keyboard-ready") });
  console.log(`from the list to ready: ${groups} groups of keystrokes`);
  check(groups <= LIMIT, `${groups} groups of keystrokes, at most ${LIMIT}`);

  // The next one: last values beside the new ones, repeated with Ctrl+D; asked too early, the keyboard is taken to
  // what is missing.
  await isAt("H1");
  await tabTo("new follow-up", (at) => at.name === "new-follow-up");
  await press("Enter");
  // Which stage: the likely one has the focus.
  await isAt("implementation");
  await press("Enter");
  await isAt("visitedOn");
  await page.keyboard.press("Control+d");
  check(
    (await page.locator("[name=visitedOn]").inputValue()) !== "",
    "Ctrl+D repeats the last value",
  );
  await page.keyboard.press("Control+Enter");
  await isAt("physicalActual");
  check(
    (await page.locator("[data-field=physicalActual] .findings li").count()) >
      0,
    "it says what is missing",
  );
  await page.keyboard.press("F1");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Escape");
  await isAt("physicalActual");
  await page.screenshot({ path: picture("keyboard-missing") });

  // F8 goes from one error to the next, and round again.
  for (const [name, value] of [
    ["physicalPlanned", "-5"],
    ["financialPlanned", "mucho"],
  ]) {
    await page.locator(`[name=${name}]`).fill(value);
    await page.keyboard.press("Enter");
  }
  await saved(page);
  const wrong = page.locator("[aria-invalid=true]");
  await until(
    "three fields are wrong",
    10_000,
    async () => (await wrong.count()) === 3,
  );
  const names = await wrong.evaluateAll((list) => list.map(({ name }) => name));
  const walked = [];
  for (let n = 0; n <= names.length; n += 1) {
    await page.keyboard.press("F8");
    walked.push((await focus()).name);
  }
  check(
    names.every((name) => walked.includes(name)) && walked[0] === walked.at(-1),
    `F8 walks ${names}: ${walked}`,
  );
});
