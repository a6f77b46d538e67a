import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startFeeder, type Feeder } from '../../services/ingress/nginx-feeder.ts';
import { digestOf, servedVersion, versionIn, withDigest } from '../../services/ingress/nginx.ts';

const NGINX = fileURLToPath(new URL('fake-nginx.mjs', import.meta.url));
const configuration = (version: string, extra = '') =>
  `${extra}\nserver { listen unix:/run/dpr/version.sock; return ${version}; }\n`;

describe('the feeder of NGINX', () => {
  let directory = '';
  let feeder: Feeder;
  let events: string[];
  let nginx: ChildProcess | undefined;
  let stop: AbortController;
  /** The address of each Service, by name. */
  let services: Record<string, string>;
  let heard: () => void = () => undefined;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'dpr-'));
    events = [];
    services = { 'counter-0': '10.0.0.2' };
    stop = new AbortController();
    const log = (event: string, version: string, reason: string) => {
      events.push([event, version, reason].join(' ').trim());
      heard();
    };
    const lookUp = (name: string) => {
      const address = services[name];
      return address === undefined ? Promise.reject(new Error(`ENOTFOUND ${name}`)) : Promise.resolve([address]);
    };
    feeder = startFeeder({ directory, tlsDirectory: path.join(directory, 'tls'), lookUp, log, signal: stop.signal });
  });
  afterEach(async () => {
    stop.abort();
    nginx?.kill();
    nginx = undefined;
    await rm(directory, { recursive: true });
  });

  async function startNginx(): Promise<void> {
    nginx = spawn(process.execPath, [NGINX, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (nginx.stdout !== null) await once(nginx.stdout, 'data');
  }
  /** Starts it once the configuration is written, and waits until it was seen to serve that. */
  async function startNginxAt(version: string): Promise<void> {
    await event(`written ${version}`);
    await startNginx();
    await event(`accepted ${version}`);
  }
  async function event(text: string): Promise<void> {
    while (!events.includes(text)) await new Promise<void>((resolve) => (heard = resolve));
  }
  /** As the kubelet does it: a directory with the new files, and one link that changes. @returns the certificate's name */
  async function renew(certificate: string): Promise<string> {
    const tls = path.join(directory, 'tls');
    await mkdir(path.join(tls, certificate), { recursive: true });
    await writeFile(path.join(tls, certificate, 'tls.crt'), certificate);
    await symlink(certificate, path.join(tls, '..data_tmp'));
    await rename(path.join(tls, '..data_tmp'), path.join(tls, '..data'));
    await symlink('..data/tls.crt', path.join(tls, 'tls.crt')).catch(() => undefined); // there from the second time on
    return createHash('sha256').update(certificate).digest('hex').slice(0, 16);
  }
  const written = () => readFile(path.join(directory, 'nginx.conf'), 'utf8');
  /** An NGINX that stands still for a moment is asked again. */
  async function told<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (let answer = await ask(); ; answer = await ask()) {
      if (answer !== undefined) return answer;
      await pause(10, undefined, { signal: stop.signal });
    }
  }
  const served = () => told(() => servedVersion(directory));
  const serving = () => told(() => feeder.report().serving).then(() => feeder.report());

  it('has the configuration ready before NGINX starts', async () => {
    assert.equal(feeder.fed(), false);
    feeder.want(configuration('a'));
    await event('written a');
    assert.equal(feeder.fed(), true);
    assert.equal(await written(), configuration('a'));
    assert.deepEqual(feeder.report(), { routes: 0 });
    await startNginx();
    await event('accepted a');
    assert.deepEqual(events, ['written a', 'accepted a'], 'what NGINX has not seen is not accepted');
  });

  it('tells why NGINX does not start, and that it has started when that is mended', async () => {
    feeder.want(configuration('a', 'nonsense'));
    await event('written a');
    const line = '2026/01/02 03:04:05 [emerg] 7#7: unknown directive "nonsense"';
    await writeFile(path.join(directory, 'errors.log'), `${line}\n${line.replaceAll('7', '8')}\n`);
    await event('refused a [emerg] unknown directive "nonsense"');
    await writeFile(path.join(directory, 'errors.log'), `${line.replace('7#7', '9#9')}\n`);
    const refused = { version: 'a', reason: '[emerg] unknown directive "nonsense"' };
    assert.deepEqual(feeder.report(), { routes: 0, refused });
    feeder.want(configuration('b'));
    await event('written b');
    await startNginx();
    await event('accepted b');
    assert.deepEqual(await serving(), { serving: 'b', routes: 0 });
    assert.equal(events.filter((text) => text.startsWith('refused')).length, 1);
  });

  for (const [family, at, every] of [
    ['IPv4', '', '0.0.0.0'],
    ['IPv6', '[::]:', '[::]'],
  ] as const)
    it(`leaves out a port of ${family} that NGINX may not open when it starts, and tells it, until another configuration is wanted`, async () => {
      const route = (port: number) => `server { listen ${at}${port} so_keepalive=on; proxy_pass counter-0:6379; }\n`;
      feeder.want(configuration('a', `${route(80)}${route(6380)}`));
      await told(() => (feeder.fed() ? true : undefined));
      const reason = `[emerg] bind() to ${every}:80 failed (13: Permission denied)`;
      await writeFile(path.join(directory, 'errors.log'), `2026/01/02 03:04:05 ${reason}\n`);
      const left = configuration('a', route(6380).replace('counter-0', '10.0.0.2'));
      await event(`written a.${digestOf(left)}`);
      await startNginx();
      await event(`accepted a.${digestOf(left)}`);
      assert.deepEqual(await serving(), { serving: 'a', routes: 1, closed: { 80: reason } });
      feeder.want(configuration('b', route(6380)));
      await event(`accepted b.${digestOf(left.replace('return a', 'return b'))}`);
      assert.deepEqual(await serving(), { serving: 'b', routes: 1 });
    });

  it('leaves a configuration to an NGINX that was killed, and will start again', async () => {
    feeder.want(configuration('a'));
    await startNginxAt('a');
    nginx?.kill('SIGKILL');
    await once(nginx ?? assert.fail(), 'exit');
    feeder.want(configuration('b'));
    await event('written b');
    assert.equal(await written(), configuration('b'));
    await rm(path.join(directory, 'version.sock'));
    await startNginxAt('b');
  });

  it('serves what can be served where a Service is unknown, tells it, and serves that too when it is found', async () => {
    const route = (port: number, name: string) => `server { listen ${port}; proxy_pass ${name}:6379; }\n`;
    const text = configuration('a', `${route(6380, 'counter-0')}${route(6381, 'counter-1')}`);
    feeder.want(text);
    const partly = `a.${digestOf(configuration('a', route(6380, '10.0.0.2')))}`;
    await event(`unknown ${partly} no address is found for counter-1: these ports are closed`);
    await startNginxAt(partly);
    assert.doesNotMatch(await written(), /6381/);
    assert.deepEqual(await serving(), { serving: 'a', routes: 1, unknown: ['counter-1'] });
    services['counter-1'] = '10.0.0.3';
    const whole = `a.${digestOf(configuration('a', `${route(6380, '10.0.0.2')}${route(6381, '10.0.0.3')}`))}`;
    await event(`accepted ${whole}`);
    assert.ok(events.includes(`found ${whole}`));
    assert.deepEqual(await serving(), { serving: 'a', routes: 2 });
  });

  it('has NGINX serve each new one, and reports which it serves', async () => {
    feeder.want(configuration('a'));
    await startNginxAt('a');
    feeder.want(configuration('b'));
    await event('accepted b');
    assert.equal(await served(), 'b');
    assert.deepEqual(await serving(), { serving: 'b', routes: 0 });
  });

  it('keeps the last good one where NGINX refuses, reports its reason, and goes on with the next', async () => {
    feeder.want(configuration('a'));
    await startNginxAt('a');
    feeder.want(configuration('b', 'nonsense'));
    await event('refused b [emerg] unknown directive "nonsense"');
    assert.equal(await served(), 'a');
    assert.equal(await written(), configuration('a'));
    feeder.want(configuration('c'));
    await event('accepted c');
    assert.deepEqual(await serving(), { serving: 'c', routes: 0 });
  });

  it('has NGINX read a certificate that was renewed, and nothing else changes', async () => {
    const first = await renew('first');
    feeder.want(configuration('a'));
    await startNginxAt(`a.${first}`);
    const second = await renew('second');
    await event(`accepted a.${second}`);
    assert.equal(await served(), `a.${second}`);
    assert.deepEqual(await serving(), { serving: 'a', routes: 0 });
    await event(`refused a.${await renew('nonsense')} [emerg] unknown directive "nonsense"`);
    assert.equal((await serving()).serving, 'a');
    assert.equal(await served(), `a.${second}`);
    await event(`accepted a.${await renew('third')}`);
    assert.deepEqual(await serving(), { serving: 'a', routes: 0 });
  });

  it('has NGINX go to where a Service is now, though the port map is the same', async () => {
    const at = (target: string) => configuration('a', `server { listen 6380; proxy_pass ${target}:6379; }`);
    const before = digestOf(at('10.0.0.2'));
    feeder.want(at('counter-0'));
    await startNginxAt(`a.${before}`);
    services['counter-0'] = '10.0.0.9';
    const after = digestOf(at('10.0.0.9'));
    await event(`accepted a.${after}`);
    assert.match(await written(), /proxy_pass 10\.0\.0\.9:6379;/);
    assert.equal(await served(), `a.${after}`);
    assert.deepEqual(await serving(), { serving: 'a', routes: 1 });
    assert.deepEqual(
      events,
      [`written a.${before}`, `accepted a.${before}`, `accepted a.${after}`],
      'and nothing is reloaded besides',
    );
  });

  it('serves what it did when that is wanted again, and says so', async () => {
    const first = await renew('first');
    feeder.want(configuration('a'));
    await startNginxAt(`a.${first}`);
    await event(`refused a.${await renew('nonsense')} [emerg] unknown directive "nonsense"`);
    events.length = 0;
    await renew('first');
    await event(`accepted a.${first}`);
    assert.deepEqual(await serving(), { serving: 'a', routes: 0 });
  });

  it('says a refusal once, though NGINX is asked again, and keeps one of its lines', async () => {
    feeder.want(configuration('a'));
    await startNginxAt('a');
    feeder.want(configuration('b', 'nonsense'));
    await event('refused b [emerg] unknown directive "nonsense"');
    await once(nginx?.stdout ?? assert.fail(), 'data'); // refused once more
    assert.ok((await readFile(path.join(directory, 'errors.log'), 'utf8')).split('\n').length <= 2);
    feeder.want(configuration('c'));
    await event('accepted c');
    assert.equal(events.filter((text) => text.startsWith('refused')).length, 1);
  });

  it('reads the version that a configuration tells of itself', () => {
    assert.equal(versionIn(configuration('a1b2')), 'a1b2');
    assert.equal(versionIn('stream {}'), '');
    assert.equal(versionIn(withDigest(configuration('a1b2'), 'c3')), 'a1b2.c3');
  });
});
