// Opens reports in Chromium from file://, with scripts and without: they read well, ask for nothing, pass axe-core, and
// notice every change. Usage: node browser.mjs FIXTURES SCRATCH. Exit: 0, 1, or 77 if a judge is not installed.
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const [fixtures, scratchArgument] = process.argv.slice(2);
const scratch = resolve(scratchArgument);
const skip = (why) => { console.log(`SKIPPED: ${why}`); process.exit(77); };
const require = createRequire(import.meta.url);
let puppeteer, axe;
try {
  puppeteer = (await import('puppeteer-core')).default;
  axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
} catch (error) {
  if (!['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error.code)) throw error;
  skip('puppeteer-core or axe-core is not installed; run: npm install --prefix tests/interop');
}
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!executablePath) skip('no Chromium is installed; run: apt-get install chromium');

rmSync(scratch, {recursive: true, force: true});
mkdirSync(scratch, {recursive: true});
execFileSync(fixtures, {env: {...process.env, SIGILLO_FIXTURES: scratch}});
const reports = readdirSync(scratch).filter((name) => name.endsWith('.html'));
if (reports.length < 5) throw new Error(`only ${reports.length} reports`);

let failures = 0;
const expect = (good, what) => { if (!good) { ++failures; console.log(`FAILED: ${what}`); } };
const browser = await puppeteer.launch({executablePath, headless: true, args: ['--no-sandbox', '--disable-dev-shm-usage']});

const open = async (file, {scripts = true, scheme = 'light', media = 'screen', width = 1280} = {}) => {
  const page = await browser.newPage();
  const problems = [];
  page.on('request', (request) => { if (!request.url().startsWith('file:')) problems.push(`asks for ${request.url()}`); });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('dialog', async (dialog) => { problems.push('a dialog'); await dialog.dismiss(); });
  page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
  await page.setJavaScriptEnabled(scripts);
  await page.setViewport({width, height: 800});
  await page.emulateMediaType(media);
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
  await page.goto(pathToFileURL(join(scratch, file)).href);
  return {page, problems};
};
const verdict = async (page) => {
  await page.waitForFunction(() => document.getElementById('check')?.textContent !== '', {timeout: 10000});
  return page.$eval('#check', (element) => element.textContent);
};
const violations = async (page) => {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}));
  return result.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target).join(', ')}`);
};

for (const file of reports) {
  for (const options of [{}, {scheme: 'dark'}, {width: 390}, {media: 'print'}]) {
    const where = `${file} ${JSON.stringify(options)}`;
    const {page, problems} = await open(file, options);
    const said = await verdict(page);
    expect(said.startsWith('Verified here'), `${where}: ${said}`);
    await page.$$eval('details', (all) => all.forEach((one) => { one.open = true; }));
    const found = await violations(page);
    expect(found.length === 0, `${where}: axe: ${found.join('; ')}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide <= 0, `${where}: ${wide} pixels wider than the window`);
    expect(problems.length === 0, `${where}: ${problems.join('; ')}`);
    await page.close();
  }
  const {page, problems} = await open(file, {scripts: false});
  const text = await page.$eval('body', (body) => body.innerText);
  expect(/mandatory rule|No verdict/.test(text) && text.includes('Is this page what was signed?'), `${file}: unreadable without scripts`);
  expect(!text.includes('Verified here'), `${file}: claims to be verified without scripts`);
  expect(problems.length === 0, `${file}: without scripts: ${problems.join('; ')}`);
  await page.close();
}

// Every change must be noticed, and each must really change the file.
const source = readFileSync(join(scratch, 'pass-mandatory.html'), 'utf8');
const seal = JSON.parse(source.match(/id="seal">(.*?)<\/script>/)[1]);
const changes = {
  'the verdict sentence': (s) => s.replace('<h1>Every', '<h1>No'),
  'a reason': (s) => s.replace('because of chat', 'because of chap'),
  'the style': (s) => s.replace('.status{', '.status{display:none;').replace(/style-src 'sha256-[^']*'/, "style-src 'unsafe-inline'"),
  'a class': (s) => s.replace('class="status s-pass"', 'class="status s-fail"'),
  'a link': (s) => s.replace('href="https://example.org/law"', 'href="https://example.com/law"'),
  'one more paragraph': (s) => s.replace('<footer>', '<p>approved</p><footer>'),
  'markup turned into text': (s) => s.replace('<strong>', '&lt;strong&gt;').replace('</strong>', '&lt;/strong&gt;'),
  'a comment': (s) => s.replace('<footer>', '<!-- x --><footer>'),
  'the signed verdict': (s) => s.replace('"exit_code":0', '"exit_code":1'),
  'a space in the signed JSON': (s) => s.replace('"exit_code":0', '"exit_code": 0'),
  'the signature': (s) => s.replace(`"sig":"${seal.sig.slice(0, 4)}`, `"sig":"${seal.sig[0] === 'A' ? 'B' : 'A'}${seal.sig.slice(1, 4)}`),
  'the key': (s) => s.replace(seal.public_key, seal.public_key.slice(0, -4) + (seal.public_key.endsWith('AAA=') ? 'BBA=' : 'AAA=')),
  'the type': (s) => s.replace('vnd.sigillo.report+json"', 'vnd.sigillo.other+json"'),
};
for (const [what, change] of Object.entries(changes)) {
  const altered = change(source);
  if (altered === source) { expect(false, `the change of ${what} changes nothing`); continue; }
  writeFileSync(join(scratch, 'altered.html'), altered);
  const {page} = await open('altered.html');
  const said = await verdict(page);
  expect(said.startsWith('NOT'), `${what} was changed, and the page says: ${said}`);
  await page.close();
}

// Control: axe must see what it is there for.
{
  const {page} = await open(reports[0]);
  await verdict(page);
  await page.$eval('main', (main) => { main.append(document.createElement('img')); });
  expect((await violations(page)).some((v) => v.startsWith('image-alt')), 'axe does not see an image without a text');
  await page.close();
}
await browser.close();
console.log(`${reports.length} reports in 4 settings and without scripts, ${Object.keys(changes).length} changes: ${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
