import { EXIT, finderSettings, ProcessError, workerSettings } from '@dpr/runtime';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MIN_MEMORY_BYTES } from '../../services/runtime/memory.ts';

const shared = { DPR_HOST: '127.0.0.1', DPR_PORT: '6379', DPR_ADMIN_PORT: '26379', DPR_DATA: '/data' };
const finder = { ...shared, DPR_CONTROL_PORT: '16379' };
const worker = { ...shared, DPR_WORKER_ID: '0', DPR_WORKER_TYPE: 'counter', DPR_FINDER: 'ws://127.0.0.1:16379' };

function complaint(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof ProcessError && error.exitCode === EXIT.config);
    return error.message;
  }
  assert.fail('it was accepted');
}

describe('the environment', () => {
  it('tells the Finder everything', () => {
    assert.deepEqual(finderSettings({ ...finder, DPR_LOG_LEVEL: 'warn', DPR_CLIENT_TOKEN: 'c' }), {
      host: '127.0.0.1',
      port: 6379,
      controlPort: 16379,
      adminPort: 26379,
      data: '/data',
      logLevel: 'warn',
      tokens: { control: undefined, client: 'c' },
      visitors: { origins: [], hostNames: undefined },
      clientAddresses: 'own',
      receiveTimeoutMs: 30_000,
      memoryBytes: undefined,
    });
  });

  it('tells a worker everything, and what it leaves out has a default', () => {
    const { logLevel, ...settings } = workerSettings({ ...worker, DPR_PUBLIC_HOST: '', DPR_RECEIVE_TIMEOUT_MS: '500' });
    assert.equal(logLevel, 'info');
    assert.deepEqual(settings, {
      host: '127.0.0.1',
      port: 6379,
      adminPort: 26379,
      data: '/data',
      tokens: { control: undefined, client: undefined },
      visitors: { origins: [], hostNames: undefined },
      clientAddresses: 'own',
      receiveTimeoutMs: 500,
      id: 0,
      type: 'counter',
      publicHost: '',
      publicPort: 6379,
      respPort: undefined,
      finder: 'ws://127.0.0.1:16379',
      checkpointIntervalMs: 100,
      state: 'unsaid',
      from: 0,
      memoryBytes: undefined,
    });
    assert.equal(workerSettings({ ...worker, DPR_CLIENT_ADDRESSES: 'proxied' }).clientAddresses, 'proxied');
    const limited = { ...worker, DPR_MEMORY_BYTES: String(MIN_MEMORY_BYTES) };
    assert.equal(workerSettings(limited).memoryBytes, MIN_MEMORY_BYTES);
    assert.throws(() => workerSettings({ ...worker, DPR_MEMORY_BYTES: String(MIN_MEMORY_BYTES - 1) }), {
      message: /DPR_MEMORY_BYTES is '\d+': a whole number from \d+ to/,
    });
  });

  it('tells which pages and names may lead here; no name is not the same as any', () => {
    const visitors = (variables: Record<string, string>) => finderSettings({ ...finder, ...variables }).visitors;
    assert.deepEqual(visitors({ DPR_ALLOWED_ORIGINS: 'https://a.example, http://b:8080', DPR_HOST_NAMES: 'devbox' }), {
      origins: ['https://a.example', 'http://b:8080'],
      hostNames: ['devbox'],
    });
    assert.deepEqual(visitors({ DPR_HOST_NAMES: '' }).hostNames, []);
  });

  it('is refused as a whole: every variable that is wrong, its value, and what is expected', () => {
    const wrong = {
      ...worker,
      DPR_PORT: '65536',
      DPR_HOST: undefined,
      DPR_WORKER_ID: 'zero',
      DPR_FINDER: 'http://127.0.0.1',
      DPR_LOG_LEVEL: 'loud',
      DPR_CHECKPOINT_INTERVAL_MS: '0',
    };
    assert.deepEqual(complaint(() => workerSettings(wrong)).split('\n  '), [
      'the environment is not right:',
      'DPR_HOST is not set: a text is expected',
      "DPR_PORT is '65536': a whole number from 1 to 65535 is expected",
      "DPR_LOG_LEVEL is 'loud': one of silent, fatal, error, warn, info, debug, trace is expected",
      "DPR_WORKER_ID is 'zero': a whole number from 0 to 65535 is expected",
      "DPR_FINDER is 'http://127.0.0.1': an address such as 'ws://host:port' is expected",
      "DPR_CHECKPOINT_INTERVAL_MS is '0': a whole number from 1 to 60000 is expected",
    ]);
  });

  it('tells a worker what to begin with', () => {
    const read = (word: string) => {
      const { state, from } = workerSettings({ ...worker, DPR_STATE: word });
      return `${state} ${from}`;
    };
    assert.deepEqual(['', 'kept', 'empty', '3'].map(read), ['unsaid 0', 'kept 0', 'empty 0', 'kept 3']);
    for (const word of ['keep', '0', '-1', '1.5', '1000000000']) {
      assert.match(
        complaint(() => read(word)),
        /DPR_STATE is '.*': 'kept', 'empty' or the number of a kept generation is expected$/,
      );
    }
  });

  it('has the address of the Finder with its port, also one that URLs leave out, and nothing besides', () => {
    const read = (address: string) => workerSettings({ ...worker, DPR_FINDER: address }).finder;
    for (const address of ['ws://h:16379', 'ws://h:80', 'wss://h:443/', 'ws://[::1]:80', 'WS://h:1']) {
      assert.equal(read(address), address);
    }
    const useless = ['h:1', 'ws://h', 'ws://h:', 'wss://[::1]', 'ws://h:0', 'ws://h:65536', 'ws://:1'];
    for (const address of [
      ...useless,
      'ws://h:1/#x',
      'ws://h:1/#',
      'ws://h:1/?q',
      'ws://h:1/path',
      'ws://me@h:1',
      ' ws://h:1',
    ]) {
      assert.equal(
        complaint(() => read(address)),
        `the environment is not right:\n  DPR_FINDER is '${address}': an address such as 'ws://host:port' is expected`,
      );
    }
  });

  describe('names files of tokens', () => {
    let directory: string;
    before(() => {
      directory = mkdtempSync(path.join(tmpdir(), 'dpr-'));
    });
    after(() => rmSync(directory, { recursive: true }));

    function file(content: string): string {
      const name = path.join(directory, 'token');
      writeFileSync(name, content);
      return name;
    }

    it('whose last newline is not part of the token', () => {
      for (const content of ['secret', 'secret\n', 'secret\r\n']) {
        assert.equal(finderSettings({ ...finder, DPR_CONTROL_TOKEN_FILE: file(content) }).tokens.control, 'secret');
      }
    });

    it('which must be there, and hold one token that fits', () => {
      const at = (name: string) => complaint(() => finderSettings({ ...finder, DPR_CONTROL_TOKEN_FILE: name }));
      assert.match(
        at(path.join(directory, 'missing')),
        /DPR_CONTROL_TOKEN_FILE is '.*missing': the file cannot be read: ENOENT/,
      );
      assert.match(at(file('\n')), /the file is empty, and a token is expected in it/);
      assert.match(at(file('x'.repeat(1025))), /DPR_CONTROL_TOKEN has 1025 bytes, and at most 1024 are allowed/);
    });

    it('or the variable itself, but not both, and never repeats the secret', () => {
      const both = { ...finder, DPR_CONTROL_TOKEN: 'hush', DPR_CONTROL_TOKEN_FILE: file('hush') };
      const text = complaint(() => finderSettings(both));
      assert.match(text, /DPR_CONTROL_TOKEN is set as well; only one of them may be/);
      assert.doesNotMatch(text, /hush/);
      const long = complaint(() => finderSettings({ ...finder, DPR_CLIENT_TOKEN: 'hush'.repeat(1000) }));
      assert.doesNotMatch(long, /hush/);
    });
  });
});
