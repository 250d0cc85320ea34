// Opens the page in Chromium and examines files: node browse.mjs CHROMIUM BASE ANCHORS NAME FORMAT ...
import * as fs from 'node:fs/promises';
import { chromium } from 'playwright-core';

const [executablePath, base, anchors, ...files] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
});
try {
  const page = await browser.newPage();
  await page.goto(`${base}/page.html`);
  await page.waitForFunction('window.ready');
  const trust = await fs.readFile(anchors, 'utf8');
  for (let i = 0; i < files.length; i += 2) {
    const [name, format] = files.slice(i, i + 2);
    const said = await page.evaluate(
      ([url, kind, pem]) => window.examine(url, kind, pem), [`${base}/${name}`, format, trust]);
    console.log(JSON.stringify({ name, ...said }));
  }
} finally {
  await browser.close();
}
