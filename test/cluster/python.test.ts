import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PYTHON_CLIENT } from '../conformance/clients.ts';
import { addTo, makePlace, tearDown, until, type Place } from './harness.ts';

const CALLS = 600;
/** After so many commits each, a worker is killed. */
const KILL_AFTER = [50, 150, 300];
const WORKERS = [0, 1];

describe('the client in Python, at a cluster whose workers are killed', () => {
  let child: ChildProcess | undefined;
  afterEach(() => void child?.kill('SIGKILL'));
  afterEach(tearDown);

  it('adds exactly what it tells for committed', async () => {
    const place = await makePlace();
    await place.start();
    const [program = '', ...parameters] = PYTHON_CLIENT;
    child = spawn(program, parameters, {
      env: { ...process.env, DPR_CLUSTER: place.cluster },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const told = follow(child);

    for (let call = 0; call < CALLS; call++) told.add(WORKERS[call % 2] ?? 0, call);
    for (const [index, count] of KILL_AFTER.entries()) {
      await until(`${count} commits`, () => told.wrong() !== undefined || told.committed() >= count);
      await kill(place, `counter-${index % 2}`);
    }
    await until('the commit of every call', () => told.wrong() !== undefined || told.open() === 0);
    assert.equal(told.wrong(), undefined);

    const sums = await addTo(place, WORKERS, 0);
    const due = WORKERS.map((worker) => (CALLS / 2) * (CALLS / 2 - 1) + worker * (CALLS / 2));
    assert.deepEqual(sums, due);
    child.stdin?.write('end\n');
    assert.equal(await new Promise((resolve) => child?.on('close', resolve)), 0);
  });
});

async function kill(place: Place, name: string): Promise<void> {
  const pid = place.kill(name);
  await place.processIs(name, (process) => process.pid !== null && process.pid !== pid);
}

/** What the client was told to add, and what it says of that. What is lost is added again. */
function follow({ stdin, stdout }: ChildProcess) {
  if (stdin === null || stdout === null) throw new Error('the client is talked to by pipes');
  const open = new Map<number, readonly [number, number]>();
  let calls = 0;
  let committed = 0;
  let wrong: string | undefined;

  function add(worker: number, amount: number): void {
    open.set(++calls, [worker, amount]);
    stdin?.write(`add ${worker} ${amount}\n`);
  }

  createInterface({ input: stdout }).on('line', (line) => {
    const [word, number] = line.split(' ');
    const call = Number(number);
    const added = open.get(call);
    if (word === 'committed' && added !== undefined) {
      open.delete(call);
      committed++;
    } else if (word === 'lost' && added !== undefined) {
      open.delete(call);
      add(...added);
    } else if (word !== 'completed' && word !== 'rolledback') {
      wrong ??= line;
    }
  });
  return { add, committed: () => committed, open: () => open.size, wrong: () => wrong };
}
