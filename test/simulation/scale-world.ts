/**
 * A Finder with very many workers, to see what each of them costs it. Only the Finder is real: its state machine, the codec of
 * every frame in and out, and the encoding of its record. Its workers follow the protocol and have no state; the network is
 * perfect, the clock and the disks are simulated. Sockets are left out.
 */
import { createFinder, encodeRecord, FINDER_DEFAULTS, finderWakeAt, stepFinder } from '../../services/core/index.ts';
import type { FinderEffect, FinderEvent, FinderRecord } from '../../services/core/index.ts';
import { decode, encode, type Message, type MessageOf } from '../../services/protocol/index.ts';
import { createRandom } from './random.ts';
import { emptyTally, memory, type Cost, type ScaleOutcome } from './scale-cost.ts';

/** How often every worker reports a checkpoint, ms; they seal at the same ticks of the clock, as real ones do. */
export const REPORT_INTERVAL_MS = 100;
/** Other workers that a checkpoint depends on; each is as likely of the same interval as of the one before. */
export const DEPENDENCIES = 3;
/** From a seal until the Finder hears that it is durable: at least, and on average what comes on top, ms. */
const REPORT_DELAY_MS = { least: 2, mean: 5 };
/** What making the record durable takes: ms, and ms more for each megabyte. */
const RECORD_WRITE_MS = { least: 2, perMegabyte: 5 };
/** Workers join within this time, ms. */
const JOIN_MS = 1_000;
/** How long the workers report before anything is measured, ms. */
const WARM_UP_MS = 500;
/** A cluster that has not come to rest after this long, ms, never does. */
const PATIENCE_MS = 60_000;

interface SimWorker {
  readonly id: number;
  connection: number;
  boot: string;
  generation: number;
  incarnation: number;
  worldLine: number;
  /** The last checkpoint that was sealed, or the version that was restored. */
  predecessor: number;
  committed: number;
  /** Reported and not committed: version, and when it was reported. */
  readonly waiting: { readonly version: number; readonly at: number }[];
  joined: boolean;
}

/** Runs one cluster through joining, `steadyMs` of reports, and a rollback. @param collect collects garbage */
export function measureScale(workers: number, steadyMs: number, collect?: () => void): ScaleOutcome {
  const random = createRandom(workers);
  const finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 16379 });
  const heapBefore = memory(collect);
  /** What happens in each millisecond: frames for the Finder, and what the simulated world does. */
  const due = new Map<number, (() => void)[]>();
  const inbox: { readonly connection: number; readonly frame: Buffer }[] = [];
  const events: FinderEvent[] = [];
  const outbox: { readonly connection: number; readonly message: Message }[] = [];
  const writes: { readonly record: FinderRecord; readonly bytes: number }[] = [];
  const closed: number[] = [];
  const byConnection = new Map<number, SimWorker>();
  const members = Array.from({ length: workers }, (_, id) => createSimWorker(id, random.hex(16)));
  const commitMs = { sum: 0, count: 0, largest: 0 };
  let nextConnection = 1;
  let now = 0;
  let tally = emptyTally();
  let lastCut: FinderRecord['cut'] | undefined;

  const after = (ms: number, what: () => void): void => {
    const at = now + Math.max(1, Math.round(ms));
    const known = due.get(at);
    if (known) known.push(what);
    else due.set(at, [what]);
  };

  // --- the Finder: everything here is measured --------------------------------------------------------------------

  function finderTurn(): void {
    const began = process.cpuUsage();
    for (const event of events.splice(0)) dispatch(event);
    for (const { connection, frame } of inbox.splice(0)) {
      tally.messagesIn++;
      tally.bytesIn += frame.length;
      const message = decode(frame);
      if (message.kind === 'checkpoint') tally.reports++;
      dispatch({ kind: 'frame', connection, message });
    }
    if (finderWakeAt(finder) <= now) dispatch({ kind: 'wake' });
    const { user, system } = process.cpuUsage(began);
    tally.cpuMs += (user + system) / 1000;
  }

  function dispatch(event: FinderEvent): void {
    for (const effect of stepFinder(finder, event, now)) perform(effect);
  }

  function perform(effect: FinderEffect): void {
    switch (effect.kind) {
      case 'send':
        return post([effect.connection], effect.message);
      case 'broadcast':
        return post(effect.connections, effect.message);
      case 'write':
        writes.push({ record: effect.record, bytes: encodeRecord(effect.record).length });
        return;
      case 'close':
        closed.push(effect.connection);
        return;
      case 'refusing':
        throw new Error(effect.reason);
      default:
        return;
    }
  }

  function post(connections: readonly number[], message: Message): void {
    if (connections.length === 0) return;
    const bytes = encode(message).length;
    for (const connection of connections) outbox.push({ connection, message });
    tally.messagesOut += connections.length;
    tally.bytesOut += connections.length * bytes;
  }

  // --- its surroundings -------------------------------------------------------------------------------------------

  function advance(untilMs: number): void {
    while (now < untilMs) {
      now++;
      for (const what of due.get(now) ?? []) what();
      due.delete(now);
      if (inbox.length > 0 || events.length > 0 || finderWakeAt(finder) <= now) finderTurn();
      for (const { record, bytes } of writes.splice(0)) {
        tally.recordWrites++;
        tally.recordBytes += bytes;
        if (record.cut !== lastCut) tally.cuts++;
        lastCut = record.cut;
        const took = RECORD_WRITE_MS.least + (RECORD_WRITE_MS.perMegabyte * bytes) / 1e6;
        after(took, () => events.push({ kind: 'written', counter: record.counter }));
      }
      for (const connection of closed.splice(0)) byConnection.delete(connection);
      for (const { connection, message } of outbox.splice(0)) {
        const worker = byConnection.get(connection);
        if (worker) take(worker, message);
      }
    }
  }

  function advanceTo(what: () => boolean): void {
    for (const limit = now + PATIENCE_MS; !what() && now < limit;) advance(now + 1);
    if (!what()) throw new Error(`the cluster of ${workers} workers did not come to rest`);
  }

  function tell(worker: SimWorker, message: Message): void {
    inbox.push({ connection: worker.connection, frame: encode(message) });
  }

  // --- a worker ---------------------------------------------------------------------------------------------------

  function join(worker: SimWorker): void {
    if (byConnection.delete(worker.connection)) events.push({ kind: 'closed', connection: worker.connection });
    worker.connection = nextConnection++;
    worker.joined = false;
    byConnection.set(worker.connection, worker);
    events.push({
      kind: 'opened',
      connection: worker.connection,
      role: 'worker',
      cluster: undefined,
      stamp: undefined,
    });
    const { id, generation, boot, worldLine, committed, waiting } = worker;
    const checkpoints = [committed, ...waiting.map(({ version }) => version)]
      .filter((version) => version > 0)
      .map((version) => ({ worldLine, version }));
    tell(worker, {
      kind: 'claim',
      worker: id,
      generation,
      boot,
      checkpoints,
      state: 'unsaid',
      from: 0,
      removed: 0,
      kept: [],
    });
  }

  function take(worker: SimWorker, message: Message): void {
    const { id, boot } = worker;
    switch (message.kind) {
      case 'claimed': {
        Object.assign(worker, { generation: message.generation, incarnation: message.incarnation });
        const { generation, incarnation } = worker;
        const own = { worker: id, generation, incarnation, boot, type: 'counter', port: 6380 + id };
        const host = `counter-${id}-0.counter-${id}.dpr.svc`;
        return tell(worker, { kind: 'register', ...own, host, checkpoints: [], clean: undefined });
      }
      case 'registered':
        Object.assign(worker, { joined: true, predecessor: message.base, committed: message.base });
        return goOn(worker, message.worldLine);
      case 'cut':
        return takeCut(worker, message);
      case 'error':
        throw new Error(`worker ${id} was told: ${message.text}`);
      default:
        return;
    }
  }

  function goOn(worker: SimWorker, worldLine: number): void {
    worker.worldLine = worldLine;
    worker.waiting.length = 0;
    const { id, generation, incarnation } = worker;
    tell(worker, { kind: 'graph', worker: id, generation, incarnation, worldLine, checkpoints: [] });
  }

  function takeCut(worker: SimWorker, { worldLine, cut, decisions }: MessageOf<'cut'>): void {
    if (!worker.joined || worldLine < worker.worldLine) return;
    if (worldLine > worker.worldLine) {
      worker.predecessor = decisions.at(-1)?.prefix.get(worker.id) ?? 0;
      worker.committed = worker.predecessor;
      return goOn(worker, worldLine);
    }
    const own = cut.get(worker.id) ?? 0;
    worker.committed = Math.max(worker.committed, own);
    while ((worker.waiting[0]?.version ?? Infinity) <= own) {
      const took = now - (worker.waiting.shift()?.at ?? now);
      commitMs.sum += took;
      commitMs.count++;
      commitMs.largest = Math.max(commitMs.largest, took);
    }
  }

  /** Every worker seals the same version, and reports it once its own disk is done. */
  function seal(): void {
    const version = now;
    for (const worker of members) {
      if (!worker.joined) continue;
      const { worldLine, predecessor } = worker;
      const dependencies = new Map<number, number>();
      for (let at = 0; at < DEPENDENCIES && workers > 1; at++) {
        const other = random.int(0, workers - 1);
        if (other === worker.id) continue;
        const needed = random.chance(0.5) ? version : (members[other]?.predecessor ?? 0);
        dependencies.set(other, Math.min(version, needed));
      }
      after(REPORT_DELAY_MS.least + random.exponential(REPORT_DELAY_MS.mean), () => {
        if (worker.worldLine !== worldLine || !worker.joined) return;
        worker.waiting.push({ version, at: now });
        tell(worker, { kind: 'checkpoint', worldLine, version, predecessor, dependencies, urgent: false });
      });
    }
    for (const worker of members) if (worker.joined) worker.predecessor = version;
  }

  function report(forMs: number): void {
    for (const until = now + forMs; now < until;) {
      advance(now + REPORT_INTERVAL_MS - (now % REPORT_INTERVAL_MS));
      seal();
    }
  }

  function phase(run: () => void): Cost {
    tally = emptyTally();
    const began = now;
    run();
    return { ...tally, simulatedMs: now - began };
  }

  events.push({ kind: 'loaded', record: undefined, start: random.hex(8), cluster: random.hex(16) });
  finderTurn();
  advanceTo(() => finder.phase === 'serving');
  const joining = phase(() => {
    for (const worker of members) after(random.real(0, JOIN_MS), () => join(worker));
    advanceTo(() => members.every(({ joined }) => joined));
  });
  report(WARM_UP_MS);
  Object.assign(commitMs, { sum: 0, count: 0, largest: 0 });
  const steady = phase(() => report(steadyMs));
  const commits = { mean: commitMs.sum / commitMs.count, largest: commitMs.largest };
  const memoryBytes = memory(collect) - heapBefore;
  advance(now + REPORT_INTERVAL_MS / 2);
  const rollback = phase(() => {
    const [first] = members;
    if (first === undefined) return;
    first.boot = random.hex(16);
    join(first);
    advanceTo(() => members.every(({ worldLine, joined }) => joined && worldLine === 2));
    advance(now + 2 * RECORD_WRITE_MS.least);
  });
  const restart = phase(() => {
    const { worldLine } = finder.record;
    for (const worker of members) {
      worker.joined = false;
      after(1, () => events.push({ kind: 'closed', connection: worker.connection }));
      after(random.real(1, JOIN_MS), () => {
        worker.boot = random.hex(16);
        join(worker);
      });
    }
    advanceTo(() => members.every((worker) => worker.joined && worker.worldLine > worldLine));
  });
  return { workers, join: joining, steady, commitMs: commits, rollback, restart, memoryBytes };
}

function createSimWorker(id: number, boot: string): SimWorker {
  const fresh = { connection: 0, generation: 0, incarnation: 0, worldLine: 0, predecessor: 0, committed: 0 };
  return { id, boot, ...fresh, waiting: [], joined: false };
}
