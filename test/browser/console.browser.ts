/** The console in a real browser, at a real cluster under load. */
import assert from 'node:assert/strict';
import type { Browser, Page } from 'puppeteer-core';
import { clientOf, makePlace, operatorOf, type LocalRun, type Place, tearDown, until } from '../cluster/harness.ts';
import { openBrowser, says, textOf } from './chromium.ts';

const VERDICT = 'section[aria-label="Verdict"] h1';
const CONNECTION = '.connection';
const OVERVIEW = 'section[aria-label="Overview"]';
const ROWS = '[role="table"] .row';
const EVENTS = '.events';
/** A verdict is never wrong for longer; the rest is what the test itself takes to see that. */
const NEVER_WRONG_MS = 2_000;
const SEEING_MS = 1_000;

describe('the console in a browser', () => {
  let browser: Browser;
  let place: Place;
  let run: LocalRun;
  let page: Page;
  let address: string;

  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  beforeEach(async () => {
    place = await makePlace({ workers: [{ id: 0 }, { id: 1 }, { id: 2 }] });
    run = await place.start({ console: true });
    address = String((await run.line('console')).address);
    page = await browser.newPage();
    await page.goto(address);
    await says(page, VERDICT, /^All 3 workers serve/);
  });
  afterEach(async function () {
    await page.close();
    await tearDown.call(this);
  });

  /** Adds to every counter, again and again, until it is called. @returns what ends it */
  async function underLoad(workers: readonly number[] = [0, 1, 2]): Promise<() => Promise<void>> {
    const session = (await clientOf(place)).session({ replay: true });
    let over = false;
    const loading = (async () => {
      while (!over) {
        for (const id of workers) void session.counter(id).add(1);
        await session.ready();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    return async () => {
      over = true;
      await loading;
      session.close();
    };
  }

  function numberIn(text: string, pattern: RegExp): number {
    return Number(pattern.exec(text)?.[1]?.replaceAll(',', ''));
  }

  it('keeps the key out of the address, and shows what the Finder says', async () => {
    assert.equal(page.url(), address.replace(/#.*/, ''));
    const stop = await underLoad();
    await says(page, VERDICT, /^All 3 workers serve, (everything is )?committed/);
    await until('rates on the page', async () => numberIn(await textOf(page, OVERVIEW), /second([\d,]+)/) > 0);
    const { cluster, worldLine, workers } = await (await operatorOf(place)).status();
    assert.match(await textOf(page, 'header'), new RegExp(`${cluster.slice(0, 8)} ?live`));
    assert.match(await textOf(page, OVERVIEW), new RegExp(`World-line${worldLine}`));
    assert.equal((await page.$$(ROWS)).length, workers.length + 1);
    for (const { id, restarts } of workers) {
      assert.match(await textOf(page, ROWS), new RegExp(`${id}counter\\S* ?serving.*${restarts}`));
    }
    await stop();
  });

  it('tells of a worker that is killed, of the rollback that follows, and that all is well again', async () => {
    const stop = await underLoad();
    await says(page, VERDICT, /committed/);
    place.kill('counter-1');
    await says(page, EVENTS, /counter-1 was killed by SIGKILL/);
    await says(page, EVENTS, /Rollback ?World-line 2 began, because worker 1 was started anew/);
    await says(page, VERDICT, /^All 3 workers serve/);
    const { worldLine } = await (await operatorOf(place)).status();
    await says(page, OVERVIEW, new RegExp(`World-line${worldLine}for `));
    await stop();
  });

  it('names within two seconds what stands still: a worker, and the Finder', async () => {
    for (const [name, words] of [
      ['counter-2', /^Worker 2 is silent for .*: nothing that depends on it commits\.$/],
      ['dpr-finder', /^The Finder does not answer for .*: nothing commits, and no worker joins/],
    ] as const) {
      place.kill(name, 'SIGSTOP');
      const since = performance.now();
      await says(page, VERDICT, words);
      const took = performance.now() - since;
      assert.ok(took < NEVER_WRONG_MS + SEEING_MS, `${name}: ${took} ms`);
      place.kill(name, 'SIGCONT');
      await says(page, VERDICT, /^All 3 workers serve/);
    }
  });

  it('removes a worker once its name is typed, and does nothing before', async () => {
    await page.locator('[aria-label="counter-1: details and actions"]').click();
    await page.locator('dialog ::-p-text(Remove…)').click();
    const field = 'dialog input';
    const remove = 'dialog form button.danger';
    await page.locator(field).fill('counter-2');
    assert.equal(await page.$eval(remove, (button) => (button as unknown as { disabled: boolean }).disabled), true);
    await page.locator(field).fill('counter-1');
    await page.locator(remove).click();
    await says(page, 'dialog', /Worker 1 (left|is leaving)/);
    await page.keyboard.press('Escape');
    await says(page, VERDICT, /^All 2 workers serve/);
    const { workers } = await (await operatorOf(place)).status();
    assert.deepEqual(
      workers.map(({ id }) => id),
      [0, 2],
    );
    await says(page, EVENTS, /Worker 1 left\./);
  });

  it('kills, pauses and resumes a process by a click', async () => {
    await page.locator('[aria-label="counter-0: details and actions"]').click();
    const click = (label: string) => page.locator(`dialog ::-p-aria([name="${label}"][role="button"])`).click();
    await click('Pause');
    await says(page, VERDICT, /^Worker 0 is silent/);
    await click('Resume');
    await says(page, VERDICT, /^All 3 workers serve/);
    const { pid } = await place.processIs('counter-0', ({ phase }) => phase === 'serving');
    await click('Kill');
    await place.processIs('counter-0', (process) => process.phase === 'serving' && process.pid !== pid);
    await says(page, EVENTS, /counter-0 was killed by SIGKILL/);
  });

  it('shows three workers more as they are added', async () => {
    place.edit({ workers: [0, 1, 2, 3, 4, 5].map((id) => ({ id })) });
    await says(page, VERDICT, /^All 6 workers serve/);
    for (const id of [3, 4, 5]) assert.match(await textOf(page, EVENTS), new RegExp(`Worker ${id} joined`));
    assert.equal((await page.$$(ROWS)).length, 7);
  });

  it('says so when its own server is gone, shows nothing old as if it were so, and goes on with the next one', async () => {
    const port = new URL(address).port;
    await run.stop();
    await says(page, VERDICT, /^The cluster was stopped, and its console with it\.$/);
    run = await place.start({ console: true, options: ['--console-port', port] });
    await says(page, VERDICT, /^All 3 workers serve/);
    run.signal('SIGKILL');
    const since = performance.now();
    await says(page, VERDICT, /^The console has not answered for \d+ s/);
    assert.ok(performance.now() - since < NEVER_WRONG_MS + SEEING_MS);
    assert.match(await textOf(page, CONNECTION), /^reconnecting/);
    await run.exited;
    run = await place.start({ console: true, options: ['--console-port', port] });
    await says(page, VERDICT, /^All 3 workers serve/);
    assert.equal(await textOf(page, CONNECTION), 'live');
  });
});
