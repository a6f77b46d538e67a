// Takes the pictures of services/console/README.md anew: a cluster under load that lost a worker a while ago, and has one that stands still.
//   npm run build && node --import tsx test/browser/screenshots.ts
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { clientOf, endAll, makePlace } from '../cluster/harness.ts';
import { openBrowser, says } from './chromium.ts';

const FOLDER = fileURLToPath(new URL('../../services/console/screenshots/', import.meta.url));
const WIDTHS = [360, 800, 1_440];
const HEIGHT = 900;
/** Enough for a curve. */
const LOADED_MS = 45_000;
const CALLS_AT_ONCE = 200;
const PAUSE_MS = 20;

const place = await makePlace({
  workers: [{ id: 0 }, { id: 1 }, { id: 2, type: 'store' }, { id: 3, type: 'store' }],
});
const run = await place.start({ console: true });
const session = (await clientOf(place)).session({ replay: true });
const over = new AbortController();

async function load(): Promise<void> {
  for (let turn = 0; !over.signal.aborted; turn++) {
    const calls = Math.round(CALLS_AT_ONCE * (1.5 + Math.sin(turn / 100)));
    for (let call = 0; call < calls; call++) {
      void session.counter(call % 2).add(1);
      void session.store(2 + (call % 2)).set(`key ${(turn * 7 + call) % 50_000}`, 'a value of some length');
    }
    await session.ready();
    await pause(PAUSE_MS);
  }
}

const loading = load();
await pause(LOADED_MS / 2);
place.kill('store-3');
await pause(LOADED_MS / 2);
place.kill('counter-1', 'SIGSTOP');
const browser = await openBrowser();
const page = await browser.newPage();
await page.goto(String((await run.line('console')).address));
await says(page, 'h1', /^Worker 1 is silent/);
for (const theme of ['light', 'dark'] as const) {
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  for (const width of WIDTHS) {
    await page.setViewport({ width, height: HEIGHT });
    await page.screenshot({ path: `${FOLDER}${theme}-${width}.png`, fullPage: true });
  }
}
over.abort();
place.kill('counter-1', 'SIGCONT');
await loading;
await browser.close();
await endAll();
