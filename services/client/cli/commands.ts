/** What each command does. */
import { setTimeout as pause } from 'node:timers/promises';
import { patience } from '@dpr/runtime/time-limit';
import type { Cluster } from '../connection/cluster.ts';
import type { WorkerInfo } from '../connection/membership.ts';
import { connect } from '../connection/connect.ts';
import { unlessAborted } from '../abort.ts';
import type { LogEntry } from '../options.ts';
import { connectOperator, type ClusterStatus, type Operator } from '../operator/operator.ts';
import { TimeoutError } from './error-report.ts';
import { eventText, pastEventText } from '../operator/event-texts.ts';
import { eventJson, type ShownWorker, statusText, timeOf, workersText } from './format.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** How often `status --watch` looks again. */
const WATCH_INTERVAL_MS = 1_000;
/** How often `remove-worker --wait` asks how far it is. */
const REMOVAL_POLL_MS = 250;

export async function showStatus(
  settings: Settings,
  terminal: Terminal,
  { watch = false, json = false }: { readonly watch?: boolean; readonly json?: boolean },
): Promise<void> {
  await withOperator(settings, terminal, async (operator) => {
    const format = (status: ClusterStatus): string =>
      json ? JSON.stringify(status) : statusText(status, { columns: terminal.columns() });
    const first = await inTime(settings, terminal, 'the Finder did not answer', (signal) =>
      operator.status({ signal }),
    );
    const draw = json || !watch ? terminal.print : terminal.show;
    draw(format(first));
    if (!watch) return;
    await untilInterrupted(terminal, async (signal) => {
      for (;;) {
        await pause(WATCH_INTERVAL_MS, undefined, { signal });
        draw(format(await operator.status({ signal })));
      }
    });
  });
}

/** @param resp where workers serve Redis clients, as far as that is known */
export async function showWorkers(
  settings: Settings,
  terminal: Terminal,
  resp: ReadonlyMap<number, string>,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  await withCluster(settings, terminal, (cluster) => {
    const workers = [...cluster.workers()]
      .sort((a, b) => a.id - b.id)
      .map((worker) => withResp(worker, resp.get(worker.id)));
    terminal.print(json ? JSON.stringify(workers) : workersText(workers, terminal.columns()));
    return Promise.resolve();
  });
}

function withResp(worker: WorkerInfo, resp: string | undefined): ShownWorker {
  return resp === undefined ? worker : { ...worker, resp };
}

export interface RemoveWords {
  readonly force?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export async function removeWorker(
  settings: Settings,
  terminal: Terminal,
  id: number,
  { force = false, wait = false, json = false }: RemoveWords,
): Promise<void> {
  await withOperator(settings, terminal, async (operator) => {
    const late = `the Finder did not answer; 'dpr status' shows whether worker ${id} is leaving`;
    const { generation, removal } = await inTime(settings, terminal, late, async (signal) => {
      const { workers } = await operator.status({ signal });
      // A worker that is added again while we wait is another one, and stays.
      const found = workers.find((worker) => worker.id === id)?.generation ?? 0;
      return { generation: found, removal: await operator.deleteWorker(id, { force, generation: found, signal }) };
    });
    let { state, waitingFor } = removal;
    if (state === 'leaving' && !wait) {
      const text = `worker ${id} is leaving; it waits for ${waitingFor}`;
      terminal.print(json ? JSON.stringify({ worker: id, state, waitingFor }) : text);
      return;
    }
    if (state === 'leaving') terminal.say(`worker ${id} is leaving; it waits for ${waitingFor}`);
    while (state === 'leaving') {
      await pause(REMOVAL_POLL_MS, undefined, { signal: terminal.signal });
      const before = waitingFor;
      ({ state, waitingFor } = await operator.deleteWorker(id, { generation, signal: terminal.signal }));
      if (state === 'leaving' && waitingFor !== before) terminal.say(`now it waits for ${waitingFor}`);
    }
    terminal.print(json ? JSON.stringify({ worker: id, state, waitingFor }) : leftText(id));
  });
}

function leftText(id: number): string {
  return `worker ${id} left; what was committed there is kept: added again, its entry says state: kept or state: empty`;
}

export async function showEvents(
  settings: Settings,
  terminal: Terminal,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  await withOperator(settings, terminal, async (operator) => {
    const { start, events } = await inTime(settings, terminal, 'the Finder did not answer', (signal) =>
      operator.events({ signal }),
    );
    const now = Date.now();
    const told = events.map((event) => ({ at: timeOf(event, now), event }));
    if (json) terminal.print(JSON.stringify({ start, events: told.map(({ at, event }) => ({ ...event, at })) }));
    else for (const { at, event } of told) terminal.print(`${at}  ${pastEventText(event)}`);
  });
}

export async function watchEvents(
  settings: Settings,
  terminal: Terminal,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  await withOperator(settings, terminal, async (operator) => {
    const now = (): string => new Date().toISOString().slice(11, 23);
    operator.watch((event) => terminal.print(json ? eventJson(event) : `${now()}  ${eventText(event)}`));
    await untilInterrupted(terminal, async (signal) => {
      // The Finder answers in order: what happens from now on is told.
      await inTime(settings, terminal, 'the Finder did not answer', (late) => operator.status({ signal: late }));
      terminal.say('Watching; Ctrl-C ends.');
      throw await unlessAborted(operator.ended, signal);
    });
  });
}

/** Only Ctrl-C ends this, and that is as it should be. */
async function untilInterrupted(terminal: Terminal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  try {
    await work(terminal.signal);
  } catch (error) {
    if (!terminal.signal.aborted) throw error;
  }
}

/** Do it within `--timeout`. @throws TimeoutError with these words otherwise */
export async function inTime<T>(
  { connectTimeoutMs: timeoutMs }: Settings,
  { signal }: Terminal,
  words: string,
  work: (signal: AbortSignal) => PromiseLike<T>,
): Promise<T> {
  const limit = patience({ signals: [signal], ms: timeoutMs });
  try {
    return await work(limit.signal);
  } catch (error) {
    if (limit.signal.aborted && !signal.aborted) throw new TimeoutError(`${words} (waited ${timeoutMs / 1_000} s)`);
    throw error;
  } finally {
    limit.end();
  }
}

export async function withCluster<Result>(
  settings: Settings,
  { signal }: Terminal,
  work: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const { cluster: address, token, ca, connectTimeoutMs, awaitFinder } = settings;
  const cluster = await connect({ cluster: address, token, ca, connectTimeoutMs, awaitFinder, signal });
  try {
    return await work(cluster);
  } finally {
    await cluster.close();
  }
}

/** Each reason why the Finder is away is told once, in any order in which they come again, until it is back. */
export function absenceTold(say: (text: string) => void): (entry: Pick<LogEntry, 'event' | 'message'>) => void {
  const reasons = new Set<string>();
  return ({ event, message }) => {
    if (event === 'disconnected') {
      if (!reasons.has(message)) say(`the Finder is away: ${message}`);
      reasons.add(message);
    } else if (reasons.size > 0) {
      say('the Finder is back');
      reasons.clear();
    }
  };
}

export async function withOperator(
  settings: Settings,
  { say, signal }: Terminal,
  work: (operator: Operator) => Promise<void>,
): Promise<void> {
  const operator = await connectOperator({ ...settings, signal, log: absenceTold(say) });
  try {
    await work(operator);
  } finally {
    operator.close();
  }
}
