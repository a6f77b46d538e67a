import assert from 'node:assert/strict';
import { follow, RETRY_MS, SILENT_MS, type Source } from '../../../services/console/page/connection.ts';
import { hello, update } from './views.ts';

type Heard = (event: { readonly data: string }) => void;

/** A browser with a clock that is set by hand. */
function createBrowser() {
  let now = 0;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const opened: (Source & { isClosed: boolean; emit: (type: string, data?: unknown) => void })[] = [];
  function open(): Source {
    const listeners = new Map<string, Heard>();
    const source = {
      isClosed: false,
      addEventListener: (type: string, listener: Heard) => void listeners.set(type, listener),
      close: () => (source.isClosed = true),
      emit: (type: string, data?: unknown) => listeners.get(type)?.({ data: JSON.stringify(data) }),
    };
    opened.push(source);
    return source;
  }
  function after(ms: number, run: () => void): () => void {
    const timer = { at: now + ms, run };
    timers.push(timer);
    return () => (timers = timers.filter((other) => other !== timer));
  }
  function pass(ms: number): void {
    now += ms;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { run } of due) run();
  }
  return { opened, open, after, pass, timers: () => timers.length };
}

function start() {
  const browser = createBrowser();
  const heard: string[] = [];
  follow(browser, {
    hello: ({ title }) => heard.push(`hello ${title}`),
    update: ({ verdict }) => heard.push(verdict.text),
  });
  return { ...browser, heard };
}

describe('the connection of the page', () => {
  it('passes on what the server tells', () => {
    const { opened, heard } = start();
    opened[0]?.emit('hello', hello({ title: 'here' }));
    opened[0]?.emit('update', update(1));
    assert.deepEqual(heard, ['hello here', 'All 8 workers serve.']);
  });

  it('is replaced a while after an error, once, however many errors there are', () => {
    const { opened, pass, heard } = start();
    opened[0]?.emit('error');
    opened[0]?.emit('error');
    assert.equal(opened[0]?.isClosed, true);
    pass(RETRY_MS - 1);
    assert.equal(opened.length, 1);
    pass(1);
    assert.equal(opened.length, 2);
    opened[1]?.emit('update', update(1));
    assert.equal(heard.length, 1);
  });

  it('is replaced when it brings nothing for too long', () => {
    const { opened, pass } = start();
    pass(SILENT_MS - 1);
    opened[0]?.emit('update', update(1));
    pass(SILENT_MS - 1);
    assert.equal(opened[0]?.isClosed, false);
    pass(1);
    assert.equal(opened[0]?.isClosed, true);
    pass(RETRY_MS);
    assert.equal(opened.length, 2);
  });

  it('says nothing after it was given up, and leaves no timer', () => {
    const { opened, pass, heard, timers } = start();
    opened[0]?.emit('error');
    opened[0]?.emit('update', update(1));
    assert.deepEqual(heard, []);
    assert.equal(timers(), 1);
    pass(RETRY_MS);
    assert.equal(timers(), 1);
  });
});
