import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { originOf } from '../../services/runtime/client-address.ts';
import {
  MAX_PROXY_HEADER_BYTES,
  parseProxyHeader,
  readProxyHeader,
  type ProxyHeader,
} from '../../services/runtime/proxy-header.ts';

const parse = (text: string): ProxyHeader => parseProxyHeader(Buffer.from(text, 'latin1'));
const header = (client: string | undefined, text: string): ProxyHeader => ({
  kind: 'header',
  client,
  bytes: text.indexOf('\r\n') + 2,
});
const FIRST = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 6380\r\n';

describe('a header of the PROXY protocol', () => {
  it('names the client, of both families, and tells where it ends', () => {
    for (const [client, text] of [
      ['192.0.2.7', `${FIRST}GET / HTTP/1.1\r\n`],
      ['2001:db8::7', 'PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n'],
      [undefined, 'PROXY UNKNOWN\r\nGET /'],
      [undefined, 'PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'],
    ] as const)
      assert.deepEqual(parse(text), header(client, text));
  });

  it('is not there where a connection begins with anything else', () => {
    for (const text of ['GET / HTTP/1.1\r\n', 'P', 'PROXY', 'proxy TCP4', '\r\n', 'PROXYX'])
      assert.equal(parse(text).kind, 'PROXY '.startsWith(text) ? 'incomplete' : 'none', text);
    assert.equal(parse('').kind, 'incomplete');
  });

  it('is refused when its line is not that of a client', () => {
    for (const text of [
      'PROXY \r\n',
      'PROXY TCP4\r\n',
      'PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n',
      'PROXY TCP4 192.0.2.7  198.51.100.1 1 2\r\n',
      'PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n',
      'PROXY TCP4 2001:db8::7 198.51.100.1 1 2\r\n',
      'PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n',
      'PROXY UNKNOWNS\r\n',
    ])
      assert.equal(parse(text).kind, 'malformed', text);
  });

  it(`has at most ${MAX_PROXY_HEADER_BYTES} bytes`, () => {
    const longest = `PROXY UNKNOWN ${'f'.repeat(MAX_PROXY_HEADER_BYTES - 16)}`;
    assert.equal(parse(`${longest}\r\n`).kind, 'header');
    assert.equal(parse(`${longest}\r`).kind, 'incomplete');
    assert.equal(parse(`${longest}f\r\n`).kind, 'malformed');
    assert.equal(parse(`${longest}f\r`).kind, 'malformed');
  });

  it('is refused or accepted by its bytes alone, however they are cut, and with anything in them', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((rest) => Buffer.concat([Buffer.from('PROXY '), rest])),
      fc.uint8Array({ maxLength: 200 }).map((rest) => Buffer.concat([Buffer.from(FIRST), rest])),
    );
    fc.assert(
      fc.property(bytes, (all) => {
        const whole = parseProxyHeader(all);
        let cut: ProxyHeader = { kind: 'incomplete' };
        for (let length = 0; length <= all.length && cut.kind === 'incomplete'; length++)
          cut = parseProxyHeader(all.subarray(0, length));
        assert.deepEqual(cut, whole);
      }),
    );
  });

  it('is read from a connection to its last byte and no further, also where each byte comes by itself', async () => {
    for (const [text, expected, rest] of [
      [`${FIRST}GET /`, '192.0.2.7', 'GET /'],
      ['PROXY UNKNOWN\r\nGET /', undefined, 'GET /'],
      ['GET / HTTP/1.1', 'none', 'GET / HTTP/1.1'],
      ['PROXY GET /\r\n', 'malformed', 'PROXY GET /\r\n'],
    ] as const) {
      for (const size of [1, 2, text.length]) assert.deepEqual(await read(text, size), [expected, rest]);
    }
  });

  /** @returns what the header said, and what is to be read behind it */
  async function read(text: string, size: number): Promise<unknown[]> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const peer = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay();
    const [socket] = (await once(server, 'connection')) as [Socket];
    const known = new Promise<unknown>((resolve) => {
      readProxyHeader(socket, (found) => {
        resolve(found.kind === 'header' ? found.client : found.kind);
        socket.on('data', (chunk) => (rest += chunk.toString('latin1')));
      });
    });
    let rest = '';
    for (let at = 0; at < text.length; at += size) {
      peer.write(text.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    peer.end();
    const found = await known;
    await once(socket, 'end');
    socket.destroy();
    server.close();
    return [found, rest];
  }
});

describe('where a client comes from', () => {
  it('is its address, and of IPv6 the network', () => {
    for (const [address, origin] of [
      ['192.0.2.7', '192.0.2.7'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
      ['::FFFF:192.0.2.7', '192.0.2.7'],
      ['::1', '0:0:0:0::/64'],
      ['::', '0:0:0:0::/64'],
      ['2001:db8::', '2001:db8:0:0::/64'],
      ['2001:0DB8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
      ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
      ['1::2:3:4:5:6', '1:0:0:2::/64'],
      ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
      ['1:2:3:4:5:6:192.0.2.7', '1:2:3:4::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['localhost', undefined],
      [undefined, undefined],
    ] as const)
      assert.equal(originOf(address), origin, address);
  });
});
