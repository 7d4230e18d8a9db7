// The public page in a real browser: axe-core finds nothing, the keyboard is enough, JavaScript is not needed, and a
// dropped file arrives. Screenshots go to the scratch folder.
// usage: page.mjs SIGILLO TINYLM CORPUS.txt SCRATCH
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [sigillo, tinylm, corpus, scratch] = process.argv.slice(2);
function skip(reason) { console.log(`SKIPPED: ${reason}`); process.exit(77); }
function check(condition, message) { if (!condition) throw new Error(message); }

const require = createRequire(import.meta.url);
const modules = path.resolve(path.dirname(new URL(import.meta.url).pathname), "../node_modules");
if (!existsSync(path.join(modules, "puppeteer-core"))) skip("npm install --prefix tests/interop brings puppeteer-core and axe-core");
const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
if (!chromium) skip("there is no Chromium");
const puppeteer = (await import("puppeteer-core")).default;
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

rmSync(scratch, { recursive: true, force: true });
mkdirSync(path.join(scratch, "corpus"), { recursive: true });
writeFileSync(path.join(scratch, "corpus", "a.txt"), readFileSync(corpus));
const run = (program, ...args) => execFileSync(program, args, { cwd: scratch, stdio: ["ignore", "pipe", "pipe"] });
run(sigillo, "--workspace", "w", "init", "--origin", "test.example/page", "--actor", "Tester");
run(sigillo, "--workspace", "w", "keys", "generate", "mark", "--algorithm", "watermark");
run(tinylm, "train", "--corpus", "corpus", "--output", "model", "--vocabulary", "500");
run(tinylm, "write", "--model", "model", "--count", "1", "--seed", "1", "--output", "marked", "--tokens-mean", "400", "--key-file", "w/keys/mark.watermark");
run(tinylm, "write", "--model", "model", "--count", "1", "--seed", "2", "--output", "plain", "--tokens-mean", "400");
const marked = readFileSync(path.join(scratch, "marked/0001.txt"), "utf8");
const plain = readFileSync(path.join(scratch, "plain/0001.txt"), "utf8");

const server = spawn(sigillo, ["--workspace", "w", "serve", "--listen", "127.0.0.1:0", "--burst", "1000", "--detector", "mark:vllm-gumbel:model/tokenizer.json"],
  { cwd: scratch, stdio: ["ignore", "pipe", "inherit"] });
const url = await new Promise((resolve, reject) => {
  server.stdout.on("data", (data) => { const found = /listening on (\S+)/.exec(data); if (found) resolve(found[1]); });
  server.on("exit", () => reject(new Error("the server ended")));
});
const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

let pages = 0;
async function accessible(page, name) {
  await page.screenshot({ path: path.join(scratch, `${name}.png`), fullPage: true });
  // The judge is put in past the page's own policy; the policy itself is tested below.
  const results = await page.evaluate(`(() => { ${axeSource}; return axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }); })()`);
  check(results.passes.length > 10, `${name}: axe looked at nothing`);
  check(results.violations.length === 0, `${name}: ${JSON.stringify(results.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))}`);
  pages += 1;
}
async function open(options = {}) {
  const page = await browser.newPage();
  page.foreign = []; page.faults = [];
  page.on("request", (r) => { if (!r.url().startsWith(url) && !r.url().startsWith("data:")) page.foreign.push(r.url()); });
  page.on("console", (m) => { if (["error", "warn"].includes(m.type())) page.faults.push(m.text()); });
  page.on("pageerror", (e) => page.faults.push(String(e)));
  await page.setJavaScriptEnabled(options.javascript !== false);
  await page.setViewport(options.viewport ?? { width: 1100, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: options.scheme ?? "light" }]);
  return page;
}
async function ask(page, text) {
  await page.$eval("#text", (e, t) => { e.value = t; }, text);
  await Promise.all([page.waitForNavigation(), page.click("button")]);
}
const sentence = (page) => page.$eval("h1", (e) => e.textContent);

try {
  // Every language, every kind of answer.
  const found = { en: "We found our watermark.", de: "Wir haben unser Wasserzeichen gefunden.", fr: "Nous avons trouvé notre filigrane." };
  for (const [language, expected] of Object.entries(found)) {
    const page = await open();
    await page.goto(`${url}/?lang=${language}`);
    check(await page.$eval("html", (e) => e.lang) === language, "the language is not the one asked for");
    await accessible(page, `form-${language}`);
    for (const [kind, text] of [["found", marked], ["not-found", plain], ["inconclusive", "Too short."], ["problem", ""]]) {
      await page.goto(`${url}/?lang=${language}`);
      await ask(page, text);
      check(await page.$(`.verdict.${kind}`), `${language} ${kind}: another answer: ${await sentence(page)}`);
      if (kind === "found") check(await sentence(page) === expected, `the sentence is ${await sentence(page)}`);
      check(await page.evaluate(() => document.activeElement.id) === "result", "the result does not get the focus");
      check((await page.title()).startsWith(await sentence(page)), "the title does not begin with the result");
      check(!(await page.content()).includes(text.slice(0, 40)) || text.length < 40, "the page echoes the text");
      await accessible(page, `${kind}-${language}`);
    }
    check(page.foreign.length === 0, `something is fetched from elsewhere: ${page.foreign}`);
    check(page.faults.length <= 1, `the browser complains: ${page.faults}`);  // the refused form's own status
    check((await browser.cookies()).length === 0, "a cookie was set");
    await page.close();
  }

  // A phone, and the dark.
  for (const [name, options] of [["phone", { viewport: { width: 360, height: 740, deviceScaleFactor: 2 } }], ["dark", { scheme: "dark" }]]) {
    const page = await open(options);
    await page.goto(url);
    await accessible(page, `form-${name}`);
    await ask(page, marked);
    check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: wider than the screen`);
    await accessible(page, `found-${name}`);
    await page.close();
  }

  // The keyboard alone: from the top of the page to the receipt.
  let page = await open();
  await page.goto(url);
  const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.type || document.activeElement.className || document.activeElement.tagName);
  const tabTo = async (wanted) => {
    for (let i = 0; i < 30; ++i) { await page.keyboard.press("Tab"); if (await focus() === wanted) return; }
    throw new Error(`the keyboard does not reach ${wanted}`);
  };
  await tabTo("text");
  check(await page.$eval("#text", (e) => getComputedStyle(e).outlineStyle) !== "none", "the focus cannot be seen");
  await page.keyboard.sendCharacter(marked);
  await tabTo("submit");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  check(await sentence(page) === found.en, "the keyboard gives another answer");
  await tabTo("button");
  const receipt = await page.$eval("a[download]", (a) => fetch === undefined ? "" : atob(a.href.split(",")[1]));
  const envelope = JSON.parse(receipt);
  const statement = JSON.parse(Buffer.from(envelope.payload, "base64"));
  check(statement.predicate.verdict === "watermark_found", "the receipt says something else");
  await page.close();

  // Without JavaScript.
  page = await open({ javascript: false });
  await page.goto(url);
  await page.type("#text", "Too short.");
  await Promise.all([page.waitForNavigation(), page.click("button")]);
  check((await page.content()).includes("The text is too short to tell."), "without JavaScript there is no answer");
  await page.goto(url);
  await (await page.$("#file")).uploadFile(path.join(scratch, "marked/0001.txt"));
  await Promise.all([page.waitForNavigation(), page.click("button")]);
  check((await page.content()).includes(found.en), "a chosen file gives no answer");
  await page.close();

  // A dropped file; and what is not ours does not run.
  page = await open();
  await page.goto(url);
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "a.txt", { type: "text/plain" }));
    document.querySelector("main").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, marked);
  check(await page.$eval("#file", (e) => e.files.length) === 1, "a dropped file is not taken");
  await page.evaluate(() => { const s = document.createElement("script"); s.textContent = "window.foreign = true"; document.body.append(s); });
  check(await page.evaluate(() => window.foreign === undefined), "the policy lets a foreign script run");
  await Promise.all([page.waitForNavigation(), page.click("button")]);
  check(await sentence(page) === found.en, "a dropped file gives another answer");
  check(pages === 19, `${pages} pages were judged`);
  console.log(`${pages} pages, 0 violations; screenshots in ${scratch}`);
} finally {
  await browser.close();
  server.removeAllListeners("exit");
  server.kill();
}
