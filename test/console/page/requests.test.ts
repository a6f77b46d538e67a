import assert from 'node:assert/strict';
import { PATHS } from '../../../services/console/messages.ts';
import { ask } from '../../../services/console/page/requests.ts';

const REMOVAL = { path: PATHS.remove, body: { worker: 1, generation: 1 } } as const;

/** A server that answers so. @returns what became of the request, and the keys that were sent */
async function askedWith(key: string, status: number) {
  const sent: (string | null)[] = [];
  const outcome = await ask(REMOVAL, key, (_, init) => {
    sent.push(new Headers(init?.headers).get('authorization'));
    return Promise.resolve(Response.json({ text: `answer ${status}` }, { status }));
  });
  return { ...outcome, sent };
}

describe('a request of the page', () => {
  for (const [status, kind] of [
    [200, 'done'],
    [401, 'key'],
    [403, 'refused'],
    [503, 'refused'],
  ] as const) {
    it(`that is answered by ${status} is ${kind}`, async () => {
      const sent = ['Bearer a key'];
      assert.deepEqual(await askedWith('a key', status), { kind, text: `answer ${status}`, sent });
    });
  }

  for (const key of ['schlüssel', 'ключ', 'a\nb', '\u{1f511}', 'a\u007f']) {
    it(`with the impossible key ${JSON.stringify(key)} is not sent, and asks for the key`, async () => {
      const { kind, text, sent } = await askedWith(key, 200);
      assert.equal(kind, 'key');
      assert.match(text, /^the key is missing or wrong/);
      assert.deepEqual(sent, []);
    });
  }

  it('tells in words that no answer came', async () => {
    const outcome = await ask(REMOVAL, 'key', () => Promise.reject(new TypeError('no network')));
    assert.deepEqual(outcome, { kind: 'refused', text: 'The console did not answer: no network.' });
  });
});
