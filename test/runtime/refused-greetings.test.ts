import { encode, encodeMessage, ERROR_CODES, draftOf, PROTOCOL_VERSION, type Message } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { makeVectors } from '../protocol/vectors.ts';
import { createCluster, type Cluster } from './cluster.ts';
import { hello } from './hello.ts';
import { connect, greet } from './peer.ts';

/** Status codes of WebSockets, as WIRE.md states them. */
const REFUSED = 1008;
const MALFORMED = 1007;

describe('the three ports of a cluster', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await createCluster(1);
    const started = [cluster.startFinder(), cluster.startWorker(0)];
    await Promise.all(started.map((child) => child.event('serving')));
  });
  after(() => cluster.close());

  const ports = (): [string, number][] => [
    ["the Finder's public port", cluster.ports.finder],
    ["the Finder's control port", cluster.ports.control],
    ["a worker's port", cluster.workerPort(0)],
  ];

  it('give one answer to a frame that a client may not send, and hear nothing that follows it', async () => {
    const forbidden: Message[] = [{ kind: 'status' }, hello(), { kind: 'left' }];
    for (const [name, port] of ports()) {
      for (const frame of forbidden) {
        const client = await greet(port);
        const refresh: Message = { kind: 'refresh', worldLine: 1 };
        client.ws.send(encodeMessage([frame, refresh].map(draftOf)));
        const error = await client.next('error');
        assert.deepEqual([error.code, error.sequence], ['unauthorized', 0], `${name}, '${frame.kind}'`);
        assert.match(error.text, new RegExp(`a client may not send '${frame.kind}'`));
        assert.equal(await client.closed, REFUSED, name);
        assert.equal(client.received.at(-1)?.kind, 'error', `${name}: nothing follows the refusal`);
      }
    }
  });

  it('give one answer to what is no frame, and hear nothing of its message', async () => {
    for (const [name, port] of ports()) {
      const client = await greet(port);
      client.ws.send(encodeMessage([draftOf({ kind: 'refresh', worldLine: 0 }), Buffer.of(0xff)]));
      assert.equal((await client.next('error')).code, 'malformed', name);
      assert.equal(await client.closed, MALFORMED, name);
      assert.ok(!client.received.some((message) => message.kind === 'error' && message.code === 'historyLost'));
    }
  });

  it('answer each bad test vector with its error and its close code, and go on', async () => {
    const { bad } = makeVectors();
    for (const [name, port] of ports()) {
      for (const vector of bad) {
        const client = await greet(port);
        client.ws.send(Buffer.concat([Buffer.from(vector.hex, 'hex'), Buffer.alloc(vector.zeros)]));
        const { code } = await client.next('error');
        const close = await client.closed;
        const answer = [ERROR_CODES.indexOf(code), code, close];
        assert.deepEqual(answer, [vector.code, vector.error, vector.close], `${name}, ${vector.name}`);
      }
      (await greet(port)).close();
    }
  });

  it('refuse a greeting by name and close with one code', async () => {
    const greetings: [Message, string][] = [
      [hello({ protocol: PROTOCOL_VERSION + 1 }), 'unsupportedVersion'],
      [hello({ cluster: 'f'.repeat(32) }), 'wrongCluster'],
      [{ kind: 'refresh', worldLine: 1 }, 'malformed'],
    ];
    for (const [name, port] of ports()) {
      for (const [greeting, code] of greetings) {
        const peer = await connect(port);
        peer.ws.send(encode(greeting));
        assert.equal((await peer.next('error')).code, code, name);
        assert.equal(await peer.closed, REFUSED, `${name}, ${code}`);
      }
    }
  });
});
