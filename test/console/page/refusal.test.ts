import assert from 'node:assert/strict';
import { askWhy } from '../../../services/console/page/refusal.ts';

describe('why the page may not follow the console', () => {
  const answered = (response: Response) => askWhy(() => Promise.resolve(response));

  it('is what the console says', async () => {
    const text = 'too many pages are open: close one of them';
    const said = await answered(Response.json({ text }, { status: 503 }));
    assert.equal(said, `The console refuses this page: ${text}.`);
  });

  it('is not known of what is no console, or does not answer', async () => {
    assert.equal(await answered(new Response('<h1>Bad gateway</h1>', { status: 502 })), undefined);
    assert.equal(await answered(Response.json({}, { status: 503 })), undefined);
    assert.equal(await askWhy(() => Promise.reject(new TypeError('no network'))), undefined);
  });

  it('is not asked any longer of a console that lets the page in', async () => {
    let signal: AbortSignal | null | undefined;
    const why = await askWhy((_, init) => {
      signal = init?.signal;
      return Promise.resolve(new Response('event: hello'));
    });
    assert.equal(why, undefined);
    assert.equal(signal?.aborted, true);
  });
});
