import { answerPings, MAX_UNWRITTEN_PONGS } from '../../services/runtime/pongs.ts';
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { WebSocket } from 'ws';

class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly answered: string[] = [];
  readonly written: (() => void)[] = [];
  pong(data: Buffer, _mask: boolean, written: () => void): void {
    this.answered.push(data.toString());
    this.written.push(written);
  }
}

describe('the answers to pings', () => {
  function socket(): FakeSocket {
    const fake = new FakeSocket();
    answerPings(fake as unknown as WebSocket);
    return fake;
  }

  it('are at most so many at a time, and then one to the last ping', () => {
    const ws = socket();
    for (let ping = 1; ping <= MAX_UNWRITTEN_PONGS; ping++) ws.emit('ping', Buffer.from(String(ping)));
    assert.equal(ws.answered.length, MAX_UNWRITTEN_PONGS);
    for (const more of ['a', 'b', 'c']) ws.emit('ping', Buffer.from(more));
    assert.equal(ws.answered.length, MAX_UNWRITTEN_PONGS, 'at the limit');
    ws.written.shift()?.();
    assert.deepEqual(ws.answered.slice(MAX_UNWRITTEN_PONGS), ['c']);
    ws.written.shift()?.();
    assert.equal(ws.answered.length, MAX_UNWRITTEN_PONGS + 1, 'the others are answered by that');
    ws.emit('ping', Buffer.from('d'));
    assert.equal(ws.answered.at(-1), 'd');
  });

  it('end with the connection', () => {
    const ws = socket();
    for (let ping = 0; ping <= MAX_UNWRITTEN_PONGS; ping++) ws.emit('ping', Buffer.alloc(0));
    ws.readyState = 3;
    for (const written of ws.written.splice(0)) written();
    assert.equal(ws.written.length, 0);
  });
});
