/** The page of the console at a Finder that says what a test wants: shapes, sizes, and what is hostile. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { MemberStatus } from '@dpr/protocol';
import type { Browser, Page } from 'puppeteer-core';
import { serveConsole } from '../../services/console/index.ts';
import { PATHS } from '../../services/console/messages.ts';
import { pageAssets } from '../../services/console/page-assets.ts';
import { fakeServer, welcome } from '../client/fake-cluster.ts';
import { statusOf } from '../client/fake-status.ts';
import { cleanUp } from '../client/clean-up.ts';
import { until } from '../cluster/harness.ts';
import { hello, NOON, update, worker } from '../console/page/views.ts';
import { openBrowser, says, textOf } from './chromium.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [360, 800, 1_440];
const THEMES = ['light', 'dark'] as const;
const VERDICT = 'section[aria-label="Verdict"] h1';
const TOKEN = 'a token that is long enough';
const MAX_TAB_BYTES = 150 * 2 ** 20;

describe('the page of the console', () => {
  const closing = cleanUp();
  let browser: Browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  /** A page at a Finder of which these are the members. */
  async function openPage(members: readonly Partial<MemberStatus>[], fragment = ''): Promise<Page> {
    const control = closing(
      await fakeServer({
        answer: () => welcome(),
        reply: (message, peer) => {
          if (message.kind === 'status') peer.send(statusOf(members));
          if (message.kind === 'events') peer.send({ kind: 'eventsAnswer', start: '0000000000000001', events: [] });
        },
      }),
    );
    const finder = `ws://127.0.0.1:${control.port}`;
    const operator = () => ({ cluster: finder, control: finder, controlToken: TOKEN });
    const own = closing(await serveConsole({ operator, title: 'test', host: '127.0.0.1', port: 0 }));
    const page = closing(await browser.newPage());
    await page.goto(own.address.replace(/#.*/, fragment));
    await page.waitForSelector(VERDICT);
    return page;
  }

  /** A page at a console that sends what a test tells it to. */
  async function openScripted() {
    const { html, script, styles } = await pageAssets();
    const streams = new Set<ServerResponse>();
    const files = new Map([
      [PATHS.page, ['text/html', html]],
      [PATHS.script, ['text/javascript', script]],
      [PATHS.styles, ['text/css', styles]],
    ] as [string | undefined, [string, string]][]);
    const told = { first: hello(), refusal: undefined as string | undefined };
    const frame = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    const server = createServer(({ url }, response) => {
      const [type, text] = files.get(url) ?? ['application/json', JSON.stringify({ text: told.refusal })];
      if (files.has(url) || told.refusal !== undefined) {
        response.writeHead(files.has(url) ? 200 : 503, { 'content-type': type });
        return void response.end(text);
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      streams.add(response.on('close', () => streams.delete(response)));
      response.write(frame('hello', told.first));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    closing({ close: () => (server.closeAllConnections(), server.close()) });
    const page = closing(await browser.newPage());
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForSelector(VERDICT);
    const send = (name: string, data: unknown) => streams.forEach((stream) => stream.write(frame(name, data)));
    return { page, told, streams, send };
  }

  const TROUBLED: readonly Partial<MemberStatus>[] = [
    { id: 0, allCommitted: true, committedAgoMs: 49 },
    { id: 1, state: 'silent', silentMs: 3_000, lagOperations: 1_234, lagMs: 3_100 },
    { id: 2, type: 'store', state: 'leaving', waitingFor: 'worker 1' },
    { id: 3, type: 'store', lagOperations: 5, lagMs: 60, committedAgoMs: 90 },
  ];

  it('leaves nothing to find for axe, and nothing outside of the window, at any width in either theme', async () => {
    const page = await openPage(TROUBLED);
    await says(page, VERDICT, /^Worker 1 is silent/);
    await page.evaluate(AXE);
    for (const theme of THEMES) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      for (const width of WIDTHS) {
        await page.setViewport({ width, height: 900 });
        const findings = await page.evaluate('axe.run().then(({ violations }) => violations)');
        assert.deepEqual(findings, [], `${theme}, ${width} px`);
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${theme}, ${width} px`);
      }
    }
  });

  it('shows what a worker says as text, whatever it is', async () => {
    const type = '<script>document.title = "broken"</script>';
    const page = await openPage([{ id: 0, type, state: 'leaving', waitingFor: '<img src=x onerror=alert(1)>' }]);
    await says(page, VERDICT, /it waits for <img src=x onerror=alert\(1\)>/);
    assert.match(await textOf(page, '[role="table"]'), /<script>document\.title = "broken"<\/script>/);
    assert.notEqual(await page.title(), 'broken');
    assert.equal((await page.$$('main script, main img')).length, 0);
  });

  it('asks again for a key that cannot be one, and forgets one that is refused', async () => {
    const page = await openPage([{ id: 0 }], '#key=schl%C3%BCssel');
    const kept = () => page.evaluate('Object.values(sessionStorage)');
    assert.deepEqual(await kept(), ['schlüssel']);
    await page.locator('[aria-label="counter-0: details and actions"]').click();
    await page.locator('dialog ::-p-text(Remove…)').click();
    await page.locator('dialog input').fill('counter-0');
    await page.locator('dialog form button.danger').click();
    await says(page, 'dialog .outcome.key', /^the key is missing or wrong/);
    assert.deepEqual(await kept(), []);
    for (const [key, outcome] of [
      ['wrong', '.outcome.key'],
      [TOKEN, '.outcome.refused'],
    ] as const) {
      await page.locator('dialog input[type="password"]').fill(key);
      await page.locator('dialog form button.danger').click();
      await page.waitForSelector(`dialog ${outcome}`);
      assert.deepEqual(await kept(), key === TOKEN ? [TOKEN] : []);
    }
  });

  it('is used by keyboard alone', async () => {
    const page = await openPage(TROUBLED);
    await says(page, '[role="table"]', /silent/);
    const focused = () => page.evaluate('document.activeElement.getAttribute("aria-label") ?? ""') as Promise<string>;
    for (let steps = 0; !(await focused()).startsWith('counter-1:'); steps++) {
      assert.ok(steps < 50, 'no way to the actions of worker 1');
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await says(page, 'dialog', /counter-1/);
    await page.keyboard.press('Escape');
    await page.waitForFunction('document.querySelector("dialog[open]") === null');
    assert.match(await focused(), /^counter-1:/, 'the focus is where it was');
  });

  it('stays small with a thousand workers, and finds one of them', async () => {
    const members = Array.from({ length: 1_000 }, (_, id) => ({ id, allCommitted: true, committedAgoMs: 40 }));
    const page = await openPage(members.map((one) => (one.id === 777 ? { ...one, state: 'away' as const } : one)));
    await says(page, VERDICT, /^Worker 777 is away/);
    assert.ok((await page.$$('[role="table"] .row')).length < 60, 'only rows in sight are in the document');
    assert.match(await textOf(page, '[role="table"] .row:nth-child(1)'), /777/, 'the worst is first');
    await page.locator('input[type="search"]').fill('999');
    await says(page, '.workers [role="status"]', /^1 of 1,000$/);
    const { JSHeapUsedSize: bytes = Infinity } = await page.metrics();
    assert.ok(bytes < MAX_TAB_BYTES, `${bytes} bytes`);
  });

  it('shows workers of which the Finder tells nothing now as they were, and none of them as well', async () => {
    const { page, send } = await openScripted();
    const workers = [worker({ id: 0, level: 'critical', state: 'away', trouble: 'It is away.' }), worker({ id: 1 })];
    const finder = { state: 'refusesConsole', text: 'the token is wrong' };
    send('update', { ...update(1), workers, finder, workersAt: NOON });
    await says(page, '.workers h2', /^Workers as of \d\d:00:00$/);
    assert.equal((await page.$$('[role="table"] .sign.unknown')).length, 2);
    assert.equal((await page.$$('[role="table"] .sign:not(.unknown), .old .sign.well')).length, 0);
    assert.equal(await textOf(page, '.tile.old h2'), 'Workers Worst commit lag');
    assert.match(await textOf(page, '.tiles'), /Finder ?Refuses this console/);
    await page.evaluate(AXE);
    for (const theme of THEMES) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      assert.deepEqual(await page.evaluate('axe.run().then(({ violations }) => violations)'), [], theme);
    }
    send('update', { ...update(2), workers });
    await says(page, '.workers h2', /^Workers$/);
    assert.equal((await page.$$('.old')).length, 0);
    assert.equal((await page.$$('[role="table"] .sign.well')).length, 1);
  });

  it('says what the console said last, and what another one says that lets it not in', async () => {
    const { page, told, streams, send } = await openScripted();
    told.refusal = 'too many pages are open: close one of them';
    send('stopped', { text: 'The console was stopped.' });
    await says(page, VERDICT, /^The console was stopped\.$/);
    assert.equal(await textOf(page, '.verdict .level'), 'Not known');
    await until('the page to close its stream', () => Promise.resolve(streams.size === 0));
    await says(page, VERDICT, /^The console refuses this page: too many pages are open: close one of them\.$/);
    told.refusal = undefined;
    await says(page, VERDICT, /^All 8 workers serve\.$/);
    assert.equal(await textOf(page, '.connection'), 'live');
  });

  it('is not live when updates come that are old', async () => {
    const { page, send } = await openScripted();
    let ms = 0;
    await until('the page to see that', async () => {
      send('update', { ...update(0), at: NOON + ms++ });
      return /^What is shown was so 2 s ago: the connection is slow\.$/.test(await textOf(page, VERDICT));
    });
    assert.match(await textOf(page, '.connection'), /^slow/);
    send('update', { ...update(0), at: NOON + 60_000 });
    await says(page, '.connection', /^live$/);
  });

  it('gives its stream up while it is hidden, and opens it when it is shown', async () => {
    const { page, streams } = await openScripted();
    const turn = (state: 'hidden' | 'visible') =>
      page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await turn('hidden');
    await until('the stream to be closed', () => Promise.resolve(streams.size === 0));
    await turn('visible');
    await until('the stream to be opened', () => Promise.resolve(streams.size === 1));
    await says(page, '.connection', /^live$/);
  });
});
