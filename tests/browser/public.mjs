// The public pages: whole without a script, accessible with any, printable, and no link of theirs is broken.

import { readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { check, given, look, openPage, picture, script } from "./common.mjs";

const at = (path) => new URL(path, `${given.central}/`).href;
const pages = {
  "public-index": at("./"),
  "public-project": at("proyectos/d1_p1/"),
  "public-project-empty": at("proyectos/d1_p5/"),
  "public-stage": at("etapa/en-obra/"),
  "public-data": at("datos/"),
  "public-dictionary": at("diccionario/"),
  "public-runs": at("corridas/"),
  "public-run": at("corridas/1.html"),
};

await script(async (browser) => {
  // Without scripts: everything there is to read is there.
  const links = new Set();
  const still = await openPage(browser, given.central, {
    javaScriptEnabled: false,
  });
  await still.goto(pages["public-index"]);
  const policy = await still
    .getByText("Política de publicación")
    .getAttribute("href");
  pages["public-policy"] = new URL(policy, pages["public-index"]).href;
  for (const [name, address] of Object.entries(pages)) {
    const answer = await still.goto(address);
    check(answer.status() === 200, `${address} answers ${answer.status()}`);
    // Data for search engines is no script, and the one that searches only adds to the list.
    const scripts = still.locator("script:not([type='application/ld+json'])");
    check(
      (await scripts.count()) === (name === "public-index" ? 1 : 0),
      `${name} has no script`,
    );
    check((await still.locator("h1").count()) === 1, `${name} has one title`);
    // The icon is in the page itself.
    for (const [tag, attribute] of [
      ["a", "href"],
      ["link", "href"],
      ["img", "src"],
    ]) {
      for (const part of await still
        .locator(`${tag}[${attribute}]:not([href^="data:"])`)
        .all())
        links.add(
          new URL(await part.getAttribute(attribute), address).href.split(
            "#",
          )[0],
        );
    }
    const text = (await still.locator("main").innerText()).replace(/\s+/g, " ");
    const expected = {
      "public-index": ["47", "35 %", "Sin seguimiento", "En obra"],
      "public-project": [
        "35 %",
        given.contract,
        "Constructora de muestra",
        "$50,000.00",
        "Inicio de obra",
        "Cumplido",
        "El 65 % de la obra",
        "En obra",
      ],
      "public-stage": ["Proyectos: en obra", "35 %"],
      "public-data": ["datos.xlsx", "records-", "OC4IDS"],
      "public-dictionary": ["planning/budget/amount/amount", "contracts"],
      "public-runs": ["Corrida 1"],
      "public-run": ["Qué cambió", "Qué quedó retenido"],
      "public-project-empty": ["Todavía no se ha publicado un avance"],
      "public-policy": ["Notas internas", "OCDS"],
    }[name];
    for (const word of expected)
      check(
        text.includes(word),
        `${name} says «${word}»: ${text.slice(0, 600)}`,
      );
    check(!text.includes(given.canary), `${name} has an internal word`);
  }
  await still.goto(pages["public-index"]);
  const listed = await still.locator("#lista tbody tr").count();
  check(listed === Number(given.count), `the index lists ${listed} projects`);
  await still.goto(pages["public-project"]);
  await still.locator(".photos img").scrollIntoViewIfNeeded();
  const photo = await still.locator(".photos img").getAttribute("src");
  const bytes = await (
    await fetch(new URL(photo, pages["public-project"]))
  ).arrayBuffer();
  check(
    !Buffer.from(bytes).includes(given.canary),
    "the photograph kept its metadata",
  );
  await still.context().close();

  // Every address those pages name.
  let own = 0;
  for (const link of links) {
    if (!link.startsWith(given.central)) {
      // Somebody else's: it is not asked, only that it is a safe address.
      check(
        link.startsWith("https://"),
        `${link} is not an address one should follow`,
      );
      continue;
    }
    const answer = await fetch(link);
    await answer.arrayBuffer();
    check(answer.status === 200, `${link} answers ${answer.status}`);
    own += 1;
  }
  console.log(`${own} links of our own, ${links.size - own} of others`);

  // With scripts (axe is one), in both themes and widths.
  const page = await openPage(browser, given.central);
  for (const [name, address] of Object.entries(pages)) {
    await page.goto(address);
    await look(page, name);
  }
  // With its script the list is searched, without accents, and comes back when nothing is searched any more.
  await page.goto(pages["public-index"]);
  const found = page.locator("#lista tbody tr");
  await page.getByLabel("Buscar por nombre").fill("D1_P1 ");
  await page.locator("#hallados").getByText("proyecto").first().waitFor();
  const some = await found.count();
  check(some > 0 && some < listed, `the search found ${some} of ${listed}`);
  await page.getByLabel("Etapa", { exact: true }).selectOption("En obra");
  check((await found.count()) === 1, "one of them is being built");
  check(
    (await found.first().innerText()).includes("35 %"),
    "what is found says how far it is",
  );
  await look(page, "public-search");
  await page.getByLabel("Buscar por nombre").fill("nada de nada");
  check((await found.count()) === 0, "nothing is found");
  check(
    (await page.locator("#hallados").innerText()) === "0 proyectos",
    "and it is said",
  );
  await page.getByLabel("Buscar por nombre").fill("");
  await page.getByLabel("Etapa", { exact: true }).selectOption("");
  check((await found.count()) === listed, "everything is back");

  // A receipt is verified in the reader's own browser; one letter changed, and it is refused.
  const receipt = JSON.parse(given.receipt);
  const code = (what) =>
    deflateRawSync(Buffer.from(JSON.stringify(what))).toString("base64url");
  const verdict = page.locator("#resultado[data-verdict]");
  await page.goto(at(`verificar/#${code(receipt)}`));
  await verdict.waitFor();
  check(
    (await verdict.getAttribute("data-verdict")) === "valid",
    "the receipt is the municipality's",
  );
  check(
    (await verdict.innerText()).includes(receipt.folio),
    "it says of which follow-up",
  );
  await look(page, "public-verify");
  for (const forged of [
    { ...receipt, seq: receipt.seq + 1 },
    {
      ...receipt,
      signature: receipt.signature.replace(/^./, (digit) =>
        digit === "0" ? "1" : "0",
      ),
    },
    { ...receipt, more: "x" },
    {},
  ]) {
    await page.goto("about:blank");
    await page.goto(at(`verificar/#${code(forged)}`));
    await verdict.waitFor();
    check(
      (await verdict.getAttribute("data-verdict")) === "invalid",
      `forged: ${JSON.stringify(forged).slice(0, 60)}`,
    );
  }
  await page.goto("about:blank");
  await page.goto(at("verificar/#no-es-un-acuse"));
  await verdict.waitFor();
  check(
    (await verdict.getAttribute("data-verdict")) === "invalid",
    "what is no receipt is said",
  );
  await page.locator("#acuse").setInputFiles({
    name: "acuse.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(receipt)),
  });
  await page.locator("#resultado[data-verdict=valid]").waitFor();

  // The photograph is drawn, and the page goes on paper.
  await page.goto(pages["public-project"]);
  const drawn = await page.locator(".photos img").evaluate(async (image) => {
    image.loading = "eager";
    await image.decode();
    return image.naturalWidth;
  });
  check(drawn > 0, "the photograph is drawn");
  const path = picture("public-project").replace(/png$/, "pdf");
  await page.pdf({ path, format: "Letter" });
  const pdf = readFileSync(path);
  check(
    pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 8000,
    `the page on paper is ${pdf.length} bytes`,
  );
  await page.emulateMedia({ media: "print" });
  await page.screenshot({
    path: picture("public-project-print"),
    fullPage: true,
  });
});
