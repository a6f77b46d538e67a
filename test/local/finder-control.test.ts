import assert from 'node:assert/strict';
import { finderControl } from '../../services/local/finder-control.ts';
import { countAbortListeners } from '../abort-listeners.ts';
import { cleanUp } from '../client/clean-up.ts';
import { fakeServer, welcome } from '../client/fake-cluster.ts';
import { statusOf } from '../client/fake-status.ts';

describe("the supervisor's connection to the Finder", () => {
  const closing = cleanUp();

  it('leaves nothing behind with each question', async () => {
    const server = closing(
      await fakeServer({
        answer: () => welcome(),
        reply(message, peer) {
          if (message.kind === 'status') peer.send(statusOf([]));
        },
      }),
    );
    const address = `ws://127.0.0.1:${server.port}`;
    const control = finderControl({ cluster: address, control: address, controlToken: undefined });
    const counted = await countAbortListeners(async () => {
      for (let asked = 0; asked < 50; asked++) assert.ok((await control.status()) !== undefined);
    });
    control.close();
    assert.ok(counted.most <= 2, `${counted.most} listeners at one signal after 50 questions`);
    assert.equal(counted.combined, 0);
  });
});
