// What the scripts of this folder share: the browser, what may go wrong on any page, and how a failure is told.
// A script is run by Node with `name=value` arguments (`tests/src/browser.rs`); it ends with 0 only if nothing failed.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { treeFaults } from "./tree.mjs";

const require = createRequire(
  new URL("../../ui/package.json", import.meta.url),
);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PATIENCE = 20_000;
/** A script that hangs says so before whoever waits for it gives up. */
const LIMIT = 240_000;

const pictures = process.env.SCREENSHOTS ?? join(process.cwd(), "screenshots");
mkdirSync(pictures, { recursive: true });

/** What the test that started the parts passed on. */
export const given = Object.fromEntries(
  process.argv.slice(2).map((word) => {
    const at = word.indexOf("=");
    return [word.slice(0, at), word.slice(at + 1)];
  }),
);

const failures = [];
const pages = new Set();

/** Notes a failure and goes on. */
export function fail(what) {
  failures.push(what);
  console.error(`✗ ${what}`);
}

/** Notes a failure unless it holds. */
export function check(holds, what) {
  if (!holds) fail(what);
}

/** Without this nothing after it makes sense. */
export function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** Runs a script to its end: failures, pictures of where it stood, and the code it ends with. */
export async function script(work) {
  const began = Date.now();
  const watchdog = setTimeout(() => {
    console.error(`✗ not finished after ${LIMIT / 1000} s`);
    process.exit(3);
  }, LIMIT);
  // A fresh profile each time: playwright makes one and removes it.
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    chromiumSandbox: false,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    await work(browser);
  } catch (error) {
    fail(error.stack ?? String(error));
    let n = 0;
    for (const page of pages) {
      const path = picture(`failed-${process.argv[1].split("/").pop()}-${++n}`);
      await page.screenshot({ path, timeout: 5000 }).then(
        () => console.error(`  ${page.url()} → ${path}`),
        () => undefined,
      );
    }
  } finally {
    await browser.close();
    clearTimeout(watchdog);
  }
  console.log(
    `${process.argv[1].split("/").pop()}: ${((Date.now() - began) / 1000).toFixed(1)} s`,
  );
  process.exit(failures.length === 0 ? 0 : 1);
}

/** A page that may speak to `origin` alone. `refusals` are addresses of it whose refusals are part of the script. */
export async function openPage(
  browser,
  origin,
  { refusals = /$^/, ...options } = {},
) {
  const context = await browser.newContext({
    locale: "es-MX",
    timezoneId: "America/Monterrey",
    viewport: { width: 1280, height: 900 },
    reducedMotion: "reduce",
    acceptDownloads: true,
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  pages.add(page);
  page.on("request", (request) => {
    const url = new URL(request.url());
    const own =
      url.origin === new URL(origin).origin ||
      url.protocol === "data:" ||
      url.protocol === "blob:";
    check(own, `${page.url()} asked ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() !== "error" || refusals.test(message.location().url))
      return;
    fail(
      `console on ${page.url()}: ${message.text()} (${message.location().url})`,
    );
  });
  page.on("pageerror", (error) =>
    fail(`error on ${page.url()}: ${error.stack ?? error}`),
  );
  return page;
}

/** Where a picture is kept. */
export const picture = (name) => join(pictures, `${name}.png`);

/** Looks at what is on the screen in both themes and at both widths: rules of accessibility, nothing cut off
 *  sideways, and a picture of each. With `aloud` also what a screen reader is given. */
export async function look(page, name, { whole = true, aloud = false } = {}) {
  const before = page.viewportSize();
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: tall(width) });
    if (aloud) {
      await everything(page);
      for (const fault of await treeFaults(page))
        fail(`${name} (${width} px): ${fault}`);
    }
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      await everything(page);
      await frames(page);
      const where = `${name} (${theme}, ${width} px)`;
      for (const wide of await overflowing(page))
        fail(`${where}: goes past the side: ${wide}`);
      for (const violation of await settled(page))
        fail(`${where}: ${violation}`);
      // A picture of the whole page has the bar at its foot, not across its middle.
      const height = await page.evaluate(
        () => document.documentElement.scrollHeight,
      );
      if (whole) await page.setViewportSize({ width, height });
      await page.screenshot({ path: picture(`${name}-${width}-${theme}`) });
      if (whole) await page.setViewportSize({ width, height: tall(width) });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(before);
}

const tall = (width) => (width < 600 ? 740 : 900);

/** From the top, with everything drawn. Rows out of sight otherwise keep the colours of before, and pictures wait. */
const everything = (page) =>
  page.evaluate(() => {
    if (document.adoptedStyleSheets.length === 0) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("* { content-visibility: visible !important; }");
      document.adoptedStyleSheets = [sheet];
    }
    window.scrollTo(0, 0);
    for (const image of document.images) image.loading = "eager";
    return Promise.all(
      [...document.images].map((image) =>
        image.decode().catch(() => undefined),
      ),
    );
  });

/** Two frames: what was asked for is on the screen. */
export const frames = (page) =>
  page.evaluate(
    () =>
      new Promise((done) =>
        requestAnimationFrame(() => requestAnimationFrame(() => done())),
      ),
  );

/** What axe finds on a page at rest. On a busy machine the colours of one theme may be measured against those of the
 *  other while it is still being painted: what is found is looked at again, and what stays is a finding. */
async function settled(page) {
  const first = await violations(page);
  if (first.length === 0) return first;
  await page.waitForTimeout(1000);
  await frames(page);
  return violations(page);
}

/** What axe finds, one line each. */
export async function violations(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const found = await page.evaluate(async (tags) => {
    const { violations } = await window.axe.run(document, {
      runOnly: { type: "tag", values: tags },
      resultTypes: ["violations"],
    });
    return violations.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(
        (node) =>
          `${node.target.join(" ")}: ${node.failureSummary.split("\n").slice(1).join(" ")}`,
      ),
    }));
  }, TAGS);
  return found.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id} at ${node}`),
  );
}

/** What is wider than the page, or than the dialog it is in. */
const overflowing = (page) =>
  page.evaluate(() => {
    const dialog = document.querySelector("dialog[open]");
    const root = document.documentElement;
    const boxes = dialog
      ? [root, dialog, ...dialog.querySelectorAll(".body")]
      : [root];
    return boxes
      .filter((box) => box.scrollWidth > box.clientWidth)
      .map((box) => {
        const edge =
          box === root ? root.clientWidth : box.getBoundingClientRect().right;
        const guilty = [...box.querySelectorAll("*")].filter(
          (part) => part.getBoundingClientRect().right > edge + 0.5,
        );
        const names = guilty
          .slice(-3)
          .map((part) => part.outerHTML.slice(0, 120));
        return `${box.tagName} ${box.scrollWidth} > ${box.clientWidth}; ${names.join(" | ")}`;
      });
  });

/** Asks the test that started the parts for something: that the central endpoint stops, or starts. */
export async function ask(what) {
  const answer = await fetch(`${given.door}/${what}`);
  must(answer.ok, `the test answered ${answer.status} to «${what}»`);
}

/** A command of the client, without the page. */
export async function call(host, name, payload) {
  const answer = await fetch(`${host}/call/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
  });
  const body = await answer.json();
  must(answer.ok, `${name}: ${JSON.stringify(body)}`);
  return body;
}

/** Waits until something holds; gives the seconds it took. */
export async function until(what, limit, holds) {
  const began = Date.now();
  while (!(await holds())) {
    must(Date.now() - began < limit, `waited ${limit / 1000} s for: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  return (Date.now() - began) / 1000;
}

/** What was typed is on the disk, says the page. */
export const saved = (page) => page.locator("[data-saving=saved]").waitFor();

/** Lower case and without accents, as people search. */
export const plain = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase();
