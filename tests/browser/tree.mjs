// What a screen reader is given: the accessibility tree of Chromium, asked through its protocol. axe looks at the
// markup; this looks at what came of it.

/** Roles in which something is typed or chosen. */
const FIELDS = [
  "textbox",
  "searchbox",
  "combobox",
  "checkbox",
  "radio",
  "spinbutton",
  "listbox",
];
const LANDMARKS = [
  "banner",
  "navigation",
  "main",
  "contentinfo",
  "complementary",
  "search",
  "form",
  "region",
];
/** One of each at most, so it needs no name. */
const SINGLE = ["banner", "main", "contentinfo"];

/** The nodes that are not ignored, in the order in which they are read, and a way to ask for the element of one. */
async function read(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Accessibility.enable");
  const { nodes } = await cdp.send("Accessibility.getFullAXTree");
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const ordered = [];
  const walk = (node) => {
    if (!node) return;
    if (!node.ignored) ordered.push(node);
    for (const child of node.childIds ?? []) walk(byId.get(child));
  };
  walk(nodes.find((node) => node.parentId === undefined));
  const element = async (node, ask) => {
    const { object } = await cdp.send("DOM.resolveNode", {
      backendNodeId: node.backendDOMNodeId,
    });
    const { result } = await cdp.send("Runtime.callFunctionOn", {
      objectId: object.objectId,
      functionDeclaration: ask.toString(),
      returnByValue: true,
    });
    return result.value;
  };
  return { nodes: ordered, element, end: () => cdp.detach() };
}

const role = (node) => node.role?.value ?? "";
const name = (node) => (node.name?.value ?? "").trim();
const property = (node, wanted) =>
  node.properties?.find((own) => own.name === wanted)?.value.value;
const flat = (text) => text.replace(/\s+/g, " ").trim();
/** Without spaces: between two blocks a reader is given one that the text of the document does not have. */
const tight = (text) => text.replace(/\s+/g, "");

/** What is wrong with the tree of what is on the screen, one line each. */
export async function treeFaults(page) {
  const { nodes, element, end } = await read(page);
  const faults = [];
  // Behind a modal dialog nothing is there for anybody: it alone is looked at.
  const modal = nodes.find(
    (node) => role(node) === "dialog" && property(node, "modal"),
  );
  if (modal && name(modal) === "") faults.push("a dialog without a name");

  for (const node of nodes) {
    // The title of a screen and its main part take the focus from a script, never by Tab.
    const silent = ["RootWebArea", "main", "heading"].includes(role(node));
    if (property(node, "focusable") && !silent && name(node) === "") {
      const html = await element(node, function () {
        return this.outerHTML.slice(0, 120);
      });
      faults.push(`a ${role(node)} without a name: ${html}`);
    }
    if (FIELDS.includes(role(node))) {
      const field = await element(node, function () {
        const text = (part) => part?.textContent ?? null;
        const ids = (this.getAttribute("aria-describedby") ?? "")
          .split(/\s+/)
          .filter(Boolean);
        const row = this.closest("[data-field]");
        return {
          label: this.labels?.length
            ? [...this.labels].map((label) => label.textContent).join(" ")
            : this.getAttribute("aria-label"),
          own: this.hasAttribute("aria-label"),
          described: ids.map((id) => text(document.getElementById(id))),
          invalid: this.getAttribute("aria-invalid") === "true",
          help: this.id
            ? text(document.getElementById(`${this.id}-help`))
            : null,
          findings: row ? text(row.querySelector(".findings")) : null,
          where: this.outerHTML.slice(0, 120),
        };
      });
      if (!field) continue;
      const said = flat(node.description?.value ?? "");
      // The text of a label holds what its own control shows, which is no part of its name.
      const label = flat(field.label ?? "");
      if (!field.own && !label.startsWith(name(node).slice(0, 200)))
        faults.push(`«${name(node)}» is labelled «${label}»: ${field.where}`);
      if (field.described.includes(null))
        faults.push(`a description that is not there: ${field.where}`);
      if (field.help && !tight(said).includes(tight(field.help)))
        faults.push(`its help is not its description: ${field.where}`);
      if (field.invalid && field.described.length === 0)
        faults.push(`invalid, and does not say why: ${field.where}`);
      if (
        field.invalid &&
        field.findings &&
        !tight(said).includes(tight(field.findings))
      )
        faults.push(
          `its error is not its description: ${field.where} («${said}»)`,
        );
    }
  }

  const headings = nodes.filter((node) => role(node) === "heading");
  const levels = headings.map((node) => property(node, "level"));
  if (!modal && levels.filter((level) => level === 1).length !== 1)
    faults.push(`titles of the first level: ${levels}`);
  levels.forEach((level, at) => {
    const before = at === 0 ? (modal ? 1 : 0) : levels[at - 1];
    if (level > before + 1)
      faults.push(
        `«${name(headings[at])}» is of level ${level} after ${before}`,
      );
  });

  const seen = new Set();
  for (const node of nodes.filter((node) => LANDMARKS.includes(role(node)))) {
    const key = `${role(node)} «${name(node)}»`;
    if (seen.has(key)) faults.push(`two landmarks are ${key}`);
    seen.add(key);
    if (!SINGLE.includes(role(node)) && name(node) === "")
      faults.push(`a ${role(node)} without a name`);
  }
  if (!modal && ![...seen].some((key) => key.startsWith("main ")))
    faults.push("no main part");

  await end();
  return faults;
}

/** What a screen reader says of its own accord on this screen: the texts of its live regions. */
export async function said(page) {
  const { nodes, element, end } = await read(page);
  const live = nodes.filter((node) => ["status", "alert"].includes(role(node)));
  const texts = [];
  for (const node of live)
    texts.push(
      flat(
        await element(node, function () {
          return this.textContent;
        }),
      ),
    );
  await end();
  return texts;
}

/** Tab and Shift+Tab stay inside of the dialog that is open, and Escape gives the focus back to what had it. */
export async function trapFaults(page, opener) {
  const faults = [];
  const outside = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      // From its last control Tab goes to the browser's own frame, which the document sees as its body.
      const inside = at === document.body || at.closest("dialog[open]");
      return inside ? null : at.outerHTML.slice(0, 120);
    });
  for (const key of ["Tab", "Shift+Tab"])
    for (let n = 0; n < 15; n += 1) {
      await page.keyboard.press(key);
      const left = await outside();
      if (left) faults.push(`${key} leaves the dialog: ${left}`);
    }
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  if (
    !(await page.evaluate((css) => document.activeElement.matches(css), opener))
  )
    faults.push(`the focus does not come back to ${opener}`);
  return faults;
}
