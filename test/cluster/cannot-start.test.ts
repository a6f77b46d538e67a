import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT_USAGE } from '@dpr/local/command-line';
import { EXIT } from '@dpr/runtime/exit-codes';
import { underRights } from '../faults/disk.ts';
import { launchLocal, makePlace, tearDown } from './harness.ts';

describe('a cluster that cannot start says why, starts nothing, and', () => {
  afterEach(tearDown);

  it('lets the console have no port of its processes', async () => {
    const place = await makePlace({ workers: [{ id: 0 }] });
    const run = place.launch({ console: true, options: ['--console-port', String(place.basePort + 1)] });
    assert.equal(await run.exited, EXIT.config);
    assert.match(run.errors(), /--console-port \d+ is a port of counter-0: choose another one/);
  });

  it('names each port that is in use', async () => {
    const place = await makePlace();
    const [worker, control] = [place.basePort + 1, place.basePort + 10_000];
    const servers = await Promise.all([worker, control].map(listen));
    const run = place.launch();
    assert.equal(await run.exited, EXIT.config);
    for (const server of servers) server.close();
    assert.match(run.errors(), new RegExp(`port ${worker} of counter-0 is in use by another program: .*dpr:basePort`));
    assert.match(run.errors(), new RegExp(`control port ${control} of dpr-finder is in use`));
    assert.deepEqual(
      run.lines.map(({ event }) => event),
      ['cannotStart'],
    );
  });

  it('says once that there is no such host, and not for each port', async () => {
    const place = await makePlace();
    const run = place.launch({ options: ['--host', '192.0.2.1'] });
    assert.equal(await run.exited, EXIT.config);
    assert.match(
      run.errors(),
      /^The cluster cannot start:\n {2}this machine has no address 192\.0\.2\.1: choose another --host\n$/,
    );
  });

  it('names the process that has the data directory', async () => {
    const place = await makePlace();
    const first = await place.start();
    const second = place.launch();
    assert.equal(await second.exited, EXIT.config);
    assert.match(second.errors(), new RegExp(`process ${first.pid} uses ${place.data}`));
    assert.equal(place.process('counter-0')?.restarts, 0);
  });

  it('names a data directory that cannot be there', async () => {
    const place = await makePlace();
    const file = path.join(place.directory, 'file');
    writeFileSync(file, '');
    const run = place.launch({ options: ['--data', path.join(file, 'data')] });
    assert.equal(await run.exited, EXIT.config);
    assert.match(run.errors(), /the data directory '.*file\/data' cannot be used: ENOTDIR/);
  });

  it('names a data directory that it has no right to write in', async () => {
    const place = await makePlace();
    mkdirSync(place.data, { mode: 0o555 });
    const run = place.launch({ through: underRights() });
    assert.equal(await run.exited, EXIT.config);
    assert.match(
      run.errors(),
      /the data directory '.*data' cannot be used: EACCES.* Choose another one, or give the user/,
    );
  });

  it('lists every mistake of the config', async () => {
    const place = await makePlace({ workers: [{ id: 0 }, { id: 0 }, { id: 1, type: 'kv' }], logLevl: 'info' });
    const run = place.launch();
    assert.equal(await run.exited, EXIT.config);
    assert.match(run.errors(), /dpr:logLevl is not a key that exists: did you mean logLevel\?/);
    assert.match(run.errors(), /dpr:workers\[1\]\.id is 0, as in dpr:workers\[0\]: give every worker its own id/);
    assert.match(
      run.errors(),
      /dpr:workers\[2\] is of type "kv", and no command says how to start it: set dpr:commands\.kv/,
    );
  });

  it('names a config that is not there', async () => {
    const place = await makePlace();
    const run = place.launch({ options: ['--config', path.join(place.directory, 'Pulumi.none.yaml')] });
    assert.equal(await run.exited, EXIT.config);
    assert.match(run.errors(), /Pulumi\.none\.yaml does not exist: name another stack or file/);
  });

  it('names the program of a worker type that is missing', async () => {
    const workers = [
      { id: 0, type: 'kv' },
      { id: 1, type: 'log' },
    ];
    const place = await makePlace({ workers, commands: { kv: 'no-such-program', log: 'node no/such/file.js' } });
    const run = place.launch();
    assert.equal(await run.exited, EXIT.config);
    assert.match(run.errors(), /there is no program no-such-program, so kv-0 cannot be started: correct its command/);
    assert.match(run.errors(), /there is no file no\/such\/file\.js, so log-1 cannot be started/);
  });

  it('names options that are wrong', async () => {
    for (const [options, reason] of [
      [['--chekpoint-interval', '10'], /unknown option '--chekpoint-interval'/],
      [['--checkpoint-interval', '0'], /Give a whole number from 1 to 60000/],
      [['--stack', 'dev', '--config', 'x.yaml'], /cannot be used with option/],
      ...['--stack', '--config', '--data', '--host'].map(
        (option) => [[option, ''], /Give a word that is not empty/] as const,
      ),
    ] as const) {
      const run = launchLocal(options);
      assert.equal(await run.exited, EXIT_USAGE);
      assert.match(run.errors(), reason);
    }
  });

  it('explains its options when asked', async () => {
    const run = launchLocal(['--help']);
    assert.equal(await run.exited, 0);
    const help = run.lines.map(({ text }) => text).join('\n');
    for (const word of ['--config', '--stack', '--data', '--checkpoint-interval', '--host', '--json', 'SIGHUP']) {
      assert.ok(help.includes(word), `${word} is missing in ${help}`);
    }
  });
});

function listen(port: number) {
  return new Promise<ReturnType<typeof createServer>>((resolve) => {
    const server = createServer();
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
