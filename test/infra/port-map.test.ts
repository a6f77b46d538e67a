import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError, MAX_WORKER_ID, MAX_WORKERS, parseConfig } from '@dpr/infra/config';
import { adminPort, CONTROL_PORT_OFFSET, MAX_PORT, planLocal, publicPort } from '@dpr/infra/plan';
import { MAX_WORKER_ID as PROTOCOL_MAX_WORKER_ID, MAX_WORKERS as PROTOCOL_MAX_WORKERS } from '@dpr/protocol';

const OPTIONS = { dataDirectory: '/data', programDirectory: '/dist', node: 'node', host: '127.0.0.1' };

// Overrides lie above every port that ids give and below every admin port, so a generated config is always valid.
const MAX_BASE_PORT = 5_000;
const MAX_ID = 3_000;
const MAX_NEW_ID = MAX_ID + 9;
const overrides = fc.option(fc.integer({ min: MAX_BASE_PORT + MAX_NEW_ID + 2, max: 9_999 }), { nil: undefined });
const workerLists = fc
  .uniqueArray(fc.record({ id: fc.integer({ min: 0, max: MAX_ID }), port: overrides }), {
    maxLength: 30,
    selector: ({ id }) => id,
  })
  .map((workers) => {
    const taken = new Set<number | undefined>();
    return workers.map(({ id, port }) => {
      const free = port !== undefined && !taken.has(port);
      taken.add(port);
      return free ? { id, port } : { id };
    });
  });
const basePorts = fc.integer({ min: 1, max: MAX_BASE_PORT });

function plan(basePort: number, workers: readonly { id: number; port?: number }[]) {
  return planLocal(parseConfig({ basePort, workers }, 'local'), OPTIONS);
}

describe('the port map', () => {
  it('gives every process ports of its own, all of them ports that exist', () => {
    fc.assert(
      fc.property(basePorts, workerLists, (basePort, workers) => {
        const { finder, workers: planned } = plan(basePort, workers);
        const ports = [finder, ...planned].flatMap((process) => Object.values(process.ports));
        assert.equal(new Set(ports).size, 3 + 2 * workers.length);
        assert.ok(ports.every((port) => Number.isInteger(port) && port >= 1 && port <= MAX_PORT));
      }),
    );
  });

  it('gives a worker the same plan with any other workers, in any order', () => {
    const twoLists = workerLists.chain((workers) =>
      fc.tuple(fc.constant(workers), fc.shuffledSubarray(workers), fc.integer({ min: MAX_ID + 1, max: MAX_NEW_ID })),
    );
    fc.assert(
      fc.property(basePorts, twoLists, (basePort, [workers, some, newId]) => {
        const all = new Map(plan(basePort, workers).workers.map((worker) => [worker.id, worker]));
        const changed = plan(basePort, [{ id: newId }, ...some]);
        assert.deepEqual(changed.finder, plan(basePort, workers).finder);
        for (const worker of changed.workers) if (worker.id !== newId) assert.deepEqual(worker, all.get(worker.id));
      }),
    );
  });

  it('lets a port that an entry asks for win, and counts up from the base port otherwise', () => {
    assert.equal(publicPort(6379, { id: 0 }), 6380);
    assert.equal(publicPort(6379, { id: 4 }), 6384);
    assert.equal(publicPort(6379, { id: 4, port: 7000 }), 7000);
    fc.assert(
      fc.property(basePorts, workerLists, (basePort, workers) => {
        const planned = plan(basePort, workers).workers;
        for (const [index, { id, port }] of workers.entries()) {
          assert.equal(planned[index]?.ports.public, port ?? basePort + 1 + id);
          assert.equal(planned[index]?.ports.admin, adminPort(port ?? basePort + 1 + id));
        }
      }),
    );
  });

  it('keeps admin ports out of the range from which systems take ports for outgoing connections', () => {
    const expected: readonly (readonly [number, number])[] = [
      [1, 20_001],
      [6_379, 26_379],
      [12_767, 32_767],
      [12_768, 1_768],
      [32_767, 21_767],
      [43_767, 32_767],
      [43_768, 21_768],
      [65_535, 32_535],
    ];
    for (const [port, admin] of expected) assert.equal(adminPort(port), admin, `of port ${port}`);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_PORT }), (port) => {
        const admin = adminPort(port);
        assert.ok(admin > 1_023 && admin < 32_768 && admin !== port, `${port} has ${admin}`);
      }),
    );
  });

  it('takes a public port as high as there is room for the control port, on one machine', () => {
    assert.equal(plan(55_535, []).finder.ports.control, MAX_PORT);
    assert.equal(plan(6_379, [{ id: 0, port: MAX_PORT }]).workers[0]?.ports.admin, 32_535);
    assert.throws(() => plan(55_536, []), /the control port is 10000 above/);
  });

  it('is refused, naming both owners, exactly when two processes would share a port', () => {
    // Few ports, and control and admin ports among them, so that collisions of every kind are common.
    const near = [9_000, 20_000, 30_000, 31_000].map((port) => fc.integer({ min: port, max: port + 6 }));
    const ports = fc.oneof(...near);
    const crowded = fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 0, max: 5 }), port: fc.option(ports, { nil: undefined }) }),
      { maxLength: 4, selector: ({ id }) => id },
    );
    fc.assert(
      fc.property(crowded, (workers) => {
        const basePort = 20_000;
        const publicPorts = [basePort, ...workers.map((worker) => worker.port ?? basePort + 1 + worker.id)];
        const adminPorts = [...new Set(publicPorts)].map(adminPort);
        const all = [...publicPorts, ...adminPorts, basePort + CONTROL_PORT_OFFSET];
        const shared = all.filter((port, index) => all.indexOf(port) !== index);
        if (shared.length === 0) {
          plan(basePort, workers.map(withoutUndefined));
          return;
        }
        assert.throws(
          () => plan(basePort, workers.map(withoutUndefined)),
          ({ message }: Error) =>
            shared.every((port) => new RegExp(`give port ${port} to .+ and to .+:`).test(message)),
        );
      }),
    );
  });

  it('gives each store a port for Redis clients by its id alone, if there is a base for them', () => {
    const store = { id: 4, type: 'store' };
    const withResp = (workers: object[], respBasePort?: number) =>
      planLocal(parseConfig({ workers, ...(respBasePort === undefined ? {} : { respBasePort }) }, 'local'), OPTIONS);
    const [alone] = withResp([store], 7_000).workers;
    assert.equal(alone?.ports.resp, 7_004);
    assert.equal(alone?.environment.DPR_RESP_PORT, '7004');
    const others = [{ id: 0 }, { id: 1, type: 'store', port: 6_500 }, { id: 2, type: 'store', resp: false }];
    const among = withResp([...others, store], 7_000).workers;
    assert.deepEqual(among.at(-1), alone, 'others do not move it');
    assert.deepEqual(
      among.map(({ ports }) => ports.resp),
      [undefined, 7_001, undefined, 7_004],
    );
    assert.equal(withResp([store]).workers[0]?.environment.DPR_RESP_PORT, undefined);
  });

  it('is refused when a port for Redis clients is that of another process', () => {
    const refusal = (respBasePort: number, ...workers: object[]) => {
      assert.throws(() => parseConfig({ respBasePort, workers }, 'local'), ConfigError);
      try {
        parseConfig({ respBasePort, workers }, 'local');
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    const store = { id: 0, type: 'store' };
    assert.match(refusal(6_379, store), /give port 6379 to the Finder and to worker 0's RESP port/);
    assert.match(refusal(6_381, store, { id: 1 }), /give port 6381 to worker 1 and to worker 0's RESP port/);
    assert.match(refusal(26_380, store), /give port 26380 to worker 0's admin port and to worker 0's RESP port/);
    assert.match(refusal(MAX_PORT, { id: 1, type: 'store' }), /dpr:respBasePort makes public port 65536/);
  });

  it('knows the limits of the protocol', () => {
    assert.equal(MAX_WORKER_ID, PROTOCOL_MAX_WORKER_ID);
    assert.equal(MAX_WORKERS, PROTOCOL_MAX_WORKERS);
  });
});

function withoutUndefined({ id, port }: { id: number; port: number | undefined }) {
  return port === undefined ? { id } : { id, port };
}
