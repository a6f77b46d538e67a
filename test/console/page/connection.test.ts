import assert from 'node:assert/strict';
import {
  follow,
  RETRY_MS,
  SILENT_MS,
  type Source,
  STOPPED_RETRY_MS,
} from '../../../services/console/page/connection.ts';
import { createClock } from './clock.ts';
import { hello, update } from './views.ts';

type Heard = (event: { readonly data: string }) => void;

/** A browser with a clock that is set by hand. */
function createBrowser() {
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
  return { opened, open, ...createClock() };
}

/** @param why what a console that lets no page in says */
function start(why?: string) {
  const browser = createBrowser();
  const heard: string[] = [];
  const asked: Promise<string | undefined>[] = [];
  function askWhy(): Promise<string | undefined> {
    const answer = Promise.resolve(why);
    asked.push(answer);
    return answer;
  }
  const end = follow(
    { ...browser, askWhy },
    {
      hello: ({ title }) => heard.push(`hello ${title}`),
      update: ({ verdict }) => heard.push(verdict.text),
      stopped: ({ text }) => heard.push(`stopped: ${text}`),
      refused: (text) => heard.push(`refused: ${text ?? 'no reason'}`),
    },
  );
  return { ...browser, heard, asked, end };
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

  it('is looked for less often after the console ended, until another one says hello', () => {
    const { opened, pass, heard } = start();
    opened[0]?.emit('stopped', { text: 'The console was stopped.' });
    opened[0]?.emit('error');
    assert.deepEqual(heard, ['stopped: The console was stopped.']);
    assert.equal(opened[0]?.isClosed, true);
    for (let time = 1; time <= 3; time++) {
      pass(STOPPED_RETRY_MS - 1);
      assert.equal(opened.length, time);
      pass(1);
      assert.equal(opened.length, time + 1);
      opened[time]?.emit(time < 3 ? 'error' : 'hello', hello());
    }
    opened[3]?.emit('error');
    pass(RETRY_MS);
    assert.equal(opened.length, 5);
  });

  it('that cannot be opened is asked why, once for each', async () => {
    const { opened, pass, heard, asked } = start('it is full');
    opened[0]?.emit('error');
    opened[0]?.emit('error');
    await asked[0];
    assert.deepEqual(heard, ['refused: it is full']);
    pass(RETRY_MS);
    opened[1]?.emit('hello', hello({ title: 'here' }));
    opened[1]?.emit('error');
    assert.equal(asked.length, 1, 'one that was heard is not asked');
  });

  it('is not said to be refused once the next one is opened', async () => {
    const { opened, pass, heard, asked } = start('it is full');
    opened[0]?.emit('error');
    pass(RETRY_MS);
    await asked[0];
    assert.equal(opened.length, 2);
    assert.deepEqual(heard, []);
  });

  for (const when of ['open', 'lost'] as const) {
    it(`is ended while it is ${when}, and leaves no timer`, async () => {
      const { opened, pass, heard, asked, timers, end } = start('it is full');
      if (when === 'lost') opened[0]?.emit('error');
      end();
      await asked[0];
      opened[0]?.emit('update', update(1));
      assert.equal(opened[0]?.isClosed, true);
      assert.equal(timers(), 0);
      pass(SILENT_MS + RETRY_MS);
      assert.equal(opened.length, 1);
      assert.deepEqual(heard, []);
    });
  }
});
