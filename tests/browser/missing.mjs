// What is missing of a follow-up that was received: told on the equipment in both languages, and after a cut it goes on
// where it was.

import {
  ask,
  call,
  check,
  given,
  must,
  openPage,
  picture,
  script,
  until,
} from "./common.mjs";

const PIECE = 1024 * 1024;

await script(async (browser) => {
  const page = await openPage(browser, given.host);
  await page.goto(`${given.host}/app.html#/bandeja`);
  const chip = page.locator("li[data-follow-up] [data-state=received]");
  await chip.waitFor();
  const says = (words) =>
    until(
      words,
      60_000,
      async () => (await chip.textContent()).trim() === words,
    );
  await says("Recibido, faltan 2 archivos (3.1 MB)");
  await page.locator("header details.menu summary").click();
  await page.locator("[name=language]").selectOption("en");
  await says("Received, 2 files missing (3.1 MB)");
  await page.locator("[name=language]").selectOption("es");
  await page.keyboard.press("Escape");
  const row = (await call(given.host, "tray", {})).rows[0];
  check(
    row.files === 3 && row.filesWaiting === 2,
    `two of three: ${JSON.stringify(row)}`,
  );

  // From here on everything that the page is told and shows of the bytes of each file.
  await page.locator("[data-nav=status]").click();
  await page.evaluate(() => {
    window.told = {};
    window.shown = {};
    const note = (all, sha256, value) => {
      const list = (all[sha256] ??= []);
      if (list.at(-1) !== value) list.push(value);
    };
    new EventSource("./events").onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (event.event === "file_progress")
        note(window.told, event.sha256, event.sent);
    };
    const look = () => {
      for (const item of document.querySelectorAll("li:has(progress)"))
        note(
          window.shown,
          item.querySelector(".mono").textContent,
          item.querySelector("progress").value,
        );
      requestAnimationFrame(look);
    };
    look();
  });
  // One piece of a file goes through, and the line is cut again.
  await ask("piece");
  await call(given.host, "send_now", {});
  const notes = (name) => page.evaluate((key) => window[key], name);
  await until("a piece arrived", 60_000, async () =>
    Object.values(await notes("told")).some((list) => list.includes(PIECE)),
  );
  await until("the page shows it", 20_000, async () =>
    Object.values(await notes("shown")).some((list) => list.includes(PIECE)),
  );
  await page.screenshot({ path: picture("sending-cut") });
  const before = (await call(given.host, "status", {})).filesReceived;
  check(before === 1, `one file is whole: ${before}`);

  await ask("heal");
  await call(given.host, "send_now", {});
  await until(
    "every file arrived",
    60_000,
    async () => (await call(given.host, "status", {})).filesReceived === 3,
  );
  for (const [name, all] of Object.entries({
    told: await notes("told"),
    shown: await notes("shown"),
  })) {
    must(Object.keys(all).length > 0, `something was ${name}`);
    for (const [file, values] of Object.entries(all))
      check(
        values.every((value, at) => at === 0 || value >= values[at - 1]),
        `${name} of ${file} never goes back: ${values}`,
      );
  }
  await page.locator("[data-nav=tray]").click();
  await until(
    "nothing is missing",
    30_000,
    async () =>
      !(await page.locator("li[data-follow-up]").first().textContent()).match(
        /falta/i,
      ),
  );
});
