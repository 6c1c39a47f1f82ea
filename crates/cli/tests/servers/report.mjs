// Opens a page in headless Chromium as somebody would who got it by mail: report.mjs MODULES PAGE.html PICTURES
//
// Prints one JSON object: what the page asked the network for, what was wrong with it, its text.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, page_file, pictures] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core");

const found = { requests: [], complaints: [], violations: [], overflow: [], pictures: [] };
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      // The page has no script and would not let one run: axe is let in past its policy.
      const context = await browser.newContext({ colorScheme, bypassCSP: true, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const url = pathToFileURL(page_file).href;
      page.on("request", (request) => request.url() !== url && found.requests.push(request.url()));
      page.on("console", (message) => found.complaints.push(message.text()));
      page.on("pageerror", (error) => found.complaints.push(String(error)));
      page.on("dialog", (dialog) => { found.complaints.push(dialog.message()); dialog.dismiss(); });
      await page.goto(url);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) found.overflow.push({ colorScheme, width, wide });
      const picture = `${pictures}/${colorScheme}-${width}.png`;
      await page.screenshot({ path: picture, fullPage: width === 1280 && colorScheme === "light" });
      found.pictures.push(picture);
      found.text = await page.evaluate(() => document.body.innerText);
      // Slow on a long page. Contrast depends on the colours, and what else it looks for on the width: each is seen once.
      if ((colorScheme === "light") !== (width === 1280)) {
        await context.close();
        continue;
      }
      await page.addScriptTag({ path: axe });
      const { violations } = await page.evaluate(() => axe.run());
      for (const { id, impact, nodes } of violations) {
        found.violations.push({ id, impact, colorScheme, width, target: nodes[0].target.join(" "), nodes: nodes.length });
      }
      await context.close();
    }
  }
  // Once more under its own policy: it must not be in its own way.
  const page = await browser.newPage();
  page.on("console", (message) => found.complaints.push(message.text()));
  await page.goto(pathToFileURL(page_file).href);
  found.styled = await page.evaluate(() => getComputedStyle(document.querySelector(".verdict")).borderLeftStyle);
  found.scripts = await page.evaluate(() => document.scripts.length + document.querySelectorAll("[onerror],[onload],img,iframe,link").length);
  await page.pdf({ path: `${pictures}/print.pdf`, format: "A4" });
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
