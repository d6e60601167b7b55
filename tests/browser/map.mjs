// The map without a network: projects as points on it and in the list beside it; the place of a project by click, by
// colonia, typed, and from a photograph. The page asks nobody but its host: `openPage` fails on any other request.

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

await script(async (browser) => {
  const page = await openPage(browser, given.host);
  let tiles = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/call/map_tile")) tiles += 1;
  });
  const mapReady = () => page.locator("[data-map=ready]").waitFor();

  // Projects: the same points on the map and beside it.
  await page.goto(`${given.host}/app.html#/proyectos`);
  await page.locator("li[data-folio]").first().waitFor();
  check(
    (await page.locator(".leaflet-container").count()) === 0,
    "a list loads no map",
  );
  await page.locator("[name=view][value=map]").check();
  await mapReady();
  await until("tiles are asked for", 10_000, async () => tiles > 0);
  const folios = given.folios.split(",");
  check(
    (await page.locator(".map .point").count()) === folios.length,
    "a point for each project that says where it is",
  );
  check(
    (await page.locator("li[data-point]").count()) === folios.length,
    "and the same in the list",
  );
  // Streets are drawn: a canvas of one colour would be a map of nothing.
  await until("the streets are drawn", 10_000, () =>
    page.evaluate(() =>
      [...document.querySelectorAll(".map canvas")].some((canvas) => {
        const { data } = canvas
          .getContext("2d")
          .getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set();
        for (let at = 0; at < data.length; at += 404)
          seen.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
        return seen.size > 3;
      }),
    ),
  );
  await look(page, "map-projects");
  const point = page.locator(".map .point").first();
  await point.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/#\/proyectos\/[^/]+$/);
  must(
    folios.some((folio) => page.url().endsWith(folio)),
    `a point opens its project: ${page.url()}`,
  );

  // The place of a project.
  const draft = await call(given.host, "draft_new", {
    folio: given.empty,
    stage: "implementation",
  });
  await page.goto(`${given.host}/app.html#/seguimiento/${draft.id}`);
  const group = page.locator("[data-group=place]");
  await group.locator("summary").click();
  const typed = page.locator("[name=place]");
  await typed.fill("-100.4023, 25.6579");
  await typed.blur();
  await page.locator("[data-action=place-swap]").click();
  check(
    (await typed.inputValue()) === "25.6579, -100.4023",
    "what was the other way round is offered right",
  );
  await saved(page);
  await page.locator("[data-action=place-map]").click();
  await mapReady();
  await page.locator("[name=colonia]").selectOption({ index: 1 });
  await page.locator("[data-method=colonia]").waitFor();
  const box = await page.locator(".map").boundingBox();
  await page.mouse.click(box.x + box.width / 3, box.y + box.height / 3);
  await page.locator("[data-method=map]").waitFor();
  const clicked = await typed.inputValue();
  check(
    /^25\.6\d+, -100\.4?\d+$/.test(clicked),
    `a click is a place: ${clicked}`,
  );
  await page.locator(".map").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await until(
    "Enter marks the middle",
    10_000,
    async () => (await typed.inputValue()) !== clicked,
  );
  await saved(page);
  await look(page, "map-place");
  const kept = await call(given.host, "draft_open", { id: draft.id });
  check(
    kept.values.placeMethod === "map",
    `how it was found is kept: ${JSON.stringify(kept.values)}`,
  );

  // A photograph offers its day and its place, and the form takes them when somebody says so.
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.locator("[data-action=attach]").click(),
  ]);
  await chooser.setFiles(given.photo);
  await page.locator("[data-offer=both]").waitFor();
  await look(page, "evidence-offer");
  await page.locator("[data-action=offer-use]").click();
  await page.locator("[data-method=photo]").waitFor();
  check(
    (await page.locator("[name=visitedOn]").inputValue()) === "2026-03-12",
    "the day of the photograph is the day of the visit",
  );
  check(
    (await typed.inputValue()) === "25.65, -100.4",
    "the place of the photograph is the place",
  );

  // Text only: the switch says what waits.
  await page.goto(`${given.host}/app.html#/envio`);
  await page.locator("[name=textOnly]").check();
  await until(
    "it is kept",
    10_000,
    async () => (await call(given.host, "status", {})).textOnly,
  );
  await look(page, "sending-text-only");
});
