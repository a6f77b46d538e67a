import { decode, type Message, type MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { createClients } from '../../services/runtime/worker/clients.ts';

function cut(version: number, worldLine = 1): MessageOf<'cut'> {
  const stamp = { start: 'a'.repeat(16), counter: 1 };
  return { kind: 'cut', stamp, worldLine, decisions: [], cut: new Map([[0, version]]) };
}

function reply(version: number): Message {
  const about = { session: 'b'.repeat(32), worldLine: 1, incarnation: 1, sequence: 1 } as const;
  return { kind: 'reply', ...about, version, count: 1, results: new Uint8Array(1) };
}

describe("a worker's clients", () => {
  const clients = createClients();
  let connections = 0;

  /** @returns its number, and what it was sent, in short */
  function connect(newest: number): { readonly number: number; readonly sent: string[] } {
    const number = ++connections;
    const sent: string[] = [];
    const send = (draft: Parameters<Parameters<typeof clients.add>[0]['send']>[0]): void => {
      const message = draft instanceof Uint8Array ? decode(draft) : draft;
      if (message.kind === 'cut') sent.push(`cut ${message.cut.get(0) ?? 0} of ${message.worldLine}`);
      else sent.push(message.kind);
    };
    const told = { close: () => undefined, isOpen: () => true, watch: () => undefined };
    clients.add({ number, origin: undefined, send, ...told }, 1, newest);
    return { number, sent };
  }

  it('are told of a cut that may commit what they wait for, each once, and of a new world-line', () => {
    const [waiting, idle] = [connect(0), connect(0)];
    clients.send(waiting.number, reply(5));
    clients.publish(cut(4), 4);
    clients.publish(cut(5), 5);
    clients.publish(cut(6), 6);
    clients.publish(cut(6, 2), 6);
    assert.deepEqual(waiting.sent, ['reply', 'cut 4 of 1', 'cut 5 of 1', 'cut 6 of 2']);
    assert.deepEqual(idle.sent, ['cut 6 of 2']);
  });

  it('may wait since an earlier connection', () => {
    const { sent } = connect(8);
    clients.publish(cut(8), 8);
    assert.deepEqual(sent, ['cut 8 of 1']);
  });

  it('are told with the reply to a retry, if a cut that they were not told of covers it', () => {
    const { number, sent } = connect(0);
    clients.publish(cut(9), 9);
    clients.send(number, reply(9));
    clients.send(number, reply(9));
    clients.send(number, reply(10));
    assert.deepEqual(sent, ['reply', 'cut 9 of 1', 'reply', 'reply']);
  });
});
