// Drives the dashboard as a reader does: node page.mjs PLAYWRIGHT CHROMIUM ADDRESS SCENE [ARGUMENT]. Says what is wrong and ends with 1.
import assert from "node:assert/strict";

const [playwright, executablePath, address, scene, argument] = process.argv.slice(2);
const { chromium } = await import(playwright);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const troubles = [];

async function open(hash, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  page.setDefaultTimeout(20000);
  page.on("console", (message) => { if (message.type() === "error") troubles.push(`console: ${message.text()}`); });
  page.on("pageerror", (fault) => troubles.push(`page: ${fault.message}`));
  page.on("request", (request) => { if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(address)) troubles.push(`asks elsewhere: ${request.url()}`); });
  await page.goto(`${address}/${hash}`);
  await page.waitForSelector("h1");
  return page;
}

const rows = (page) => page.locator("tbody tr").count();

const scenes = {
  /** Filters, order, choice and comparison, by the keyboard alone. */
  async table() {
    const page = await open("#/");
    const all = await rows(page);
    assert.ok(all >= 3, "three runs at least");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the first stop skips the head of the page");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main", "it leads to the content");
    await page.keyboard.press("Tab");
    await page.keyboard.type("seed2");
    assert.equal(await rows(page), 1, "one run fits the words");
    for (let i = 0; i < 5; i++) await page.keyboard.press("Backspace");
    assert.equal(await rows(page), all, "all of them again");
    await page.selectOption("select[data-key=status]", "finished");
    assert.ok(await rows(page) < all, "fewer have that status");
    await page.selectOption("select[data-key=status]", "");
    const head = page.locator("th[data-key=seed] button");
    await head.focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("th[data-key=seed]").getAttribute("aria-sort"), "ascending", "in order of the seed");
    const boxes = page.locator("tbody input[type=checkbox]");
    for (const place of [0, 1]) {
      await boxes.nth(place).focus();
      await page.keyboard.press("Space");
    }
    await page.getByRole("button", { name: "Compare 2 runs" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Where their configurations differ");
    assert.equal(await page.locator("h1").textContent(), "2 runs", "those two");
    await page.waitForSelector(".plot svg.main-svg");
  },

  /** A run that goes on: its numbers grow without another loading, and its end is seen. */
  async live() {
    const page = await open(`#/run/${argument}`);
    let loads = 0;
    page.on("framenavigated", () => loads++);
    const trained = async () => Number((await page.locator("section[aria-label=Learning] dd").first().textContent()).replaceAll(" ", ""));
    await page.waitForSelector("section[aria-label=Learning] dd");
    const before = await trained();
    await page.waitForFunction((known) => Number(document.querySelector("section[aria-label=Learning] dd").textContent.replaceAll(" ", "")) > known, before);
    await page.waitForSelector(".status.finished", { timeout: 90000 });
    assert.equal(loads, 0, "the page was not loaded again");
    await page.waitForSelector("text=Scores by length");
  },

  /** The slider leads through the steps, by its keys. */
  async heads() {
    const page = await open(`#/run/${argument}`);
    await page.waitForSelector("canvas.map");
    const pictures = () => page.evaluate(() => [...document.querySelectorAll("canvas.map")].map((canvas) => canvas.toDataURL()));
    const before = await pictures();
    assert.ok(before.length >= 8, "weightings, vectors and the memory");
    await page.getByLabel("Step", { exact: true }).focus();
    await page.keyboard.press("ArrowRight");
    const after = await pictures();
    assert.ok(before.every((picture, place) => picture !== after[place]), "every map shows the next step");
    assert.match(await page.locator("output").textContent(), /^step \d+ of \d+$/, "which step");
  },

  /** Nothing is wider than a phone, and nothing is missing in the dark. */
  async phone() {
    const { height, width } = { height: 800, width: 390 };
    for (const hash of ["#/", `#/run/${argument.split(",")[0]}`, `#/compare/${argument}`]) {
      const page = await open(hash, { viewport: { width, height }, colorScheme: "dark" });
      await page.waitForTimeout(300);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `${hash} fits`);
      const [ground, ink] = await page.evaluate(() => { const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]; });
      assert.notEqual(ground, ink, "it can be read");
      await page.close();
    }
  },

  /** What is not there is told. */
  async nobody() {
    const page = await open("#/").then(async (page) => { await page.goto(`${address}/#/run/nobody`); return page; });
    await page.waitForSelector("text=there is no such run.");
    // The browser itself tells of the answer 404.
    troubles.length = 0;
  },
};

try {
  await scenes[scene]();
  assert.deepEqual(troubles, [], "nothing went wrong on the way");
} catch (fault) {
  console.error(`${scene}: ${fault.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
