// Prints what c2pa-web says of each file, as JSON: node ask_c2pa_web.mjs FOLDER CHROMIUM BASE
import * as fs from 'node:fs/promises';
import { chromium } from 'playwright-core';

const [folder, executablePath, base] = process.argv.slice(2);
// It keeps one list for signers and for time-stamp authorities.
const trust = await Promise.all(
  ['signers.pem', 'authorities.pem'].map((name) => fs.readFile(`${folder}/${name}`, 'utf8')));
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
});
try {
  const page = await browser.newPage();
  await page.goto(`${base}/page.html`);
  await page.waitForFunction('window.ready');
  await page.evaluate((anchors) => window.trust(anchors), trust.join('\n'));
  for (const [name, format] of JSON.parse(await fs.readFile(`${folder}/files.json`, 'utf8'))) {
    const said = await page.evaluate(
      ([url, kind]) => window.examine(url, kind), [`${base}/files/${name}`, format]);
    console.log(JSON.stringify({ name, ...said }));
  }
} finally {
  await browser.close();
}
