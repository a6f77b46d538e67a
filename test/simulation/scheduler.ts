/** Simulated time: events in order of their time, and of their making where times are equal; and the processes that they belong to. */

/** A clock's resolution: a process that is to be woken at a moment is woken at least this much later than now, so that time goes on. */
export const CLOCK_STEP_MS = 0.001;

/** A simulated operating system process. A dead one hears nothing more; a paused one hears everything once it goes on. */
export interface Process {
  readonly name: string;
  alive: boolean;
  paused: boolean;
  readonly backlog: (() => void)[];
  /** When its monotonic clock was 0, ms: its start, or earlier once the clock jumped. */
  bornAt: number;
  /** What ends with it. */
  readonly onDeath: Set<() => void>;
  /** The latest arrival of a frame at it: when, and over what. */
  readonly latest: { at: number; over: object | undefined };
}

interface Entry {
  readonly time: number;
  readonly order: number;
  readonly process: Process | undefined;
  readonly run: () => void;
}

export interface Scheduler {
  readonly now: number;
  /** How many events have happened. */
  readonly steps: number;
  /** Let something happen in `delay` ms, unless the process that it belongs to is dead by then. */
  after(delay: number, process: Process | undefined, run: () => void): void;
  /** The same at a moment, exactly: what is due at the same moment happens in the order of its making. */
  at(time: number, process: Process | undefined, run: () => void): void;
  /** Let something happen when the present event is over, before anything else does. */
  atTickEnd(process: Process, run: () => void): void;
  /** Let what was asked for outside of events, by promises, happen. @returns whether there was anything */
  endTick(): boolean;
  /** Let the next event happen; false when there is none. */
  step(): boolean;
}

export function createScheduler(): Scheduler {
  const heap: Entry[] = [];
  const ticks: { readonly process: Process; readonly run: () => void }[] = [];
  let order = 0;
  const scheduler = { now: 0, steps: 0, after, at, atTickEnd, endTick, step };

  function after(delay: number, process: Process | undefined, run: () => void): void {
    at(scheduler.now + delay, process, run);
  }

  function at(time: number, process: Process | undefined, run: () => void): void {
    if (!(time >= scheduler.now) || time === Infinity) throw new Error(`an event cannot be due at ${time}`);
    push(heap, { time, order: order++, process, run });
  }

  function atTickEnd(process: Process, run: () => void): void {
    ticks.push({ process, run });
  }

  function endTick(): boolean {
    if (ticks.length === 0) return false;
    // What they ask for themselves happens, too.
    for (const { process, run } of ticks) if (process.alive) run();
    ticks.length = 0;
    return true;
  }

  function step(): boolean {
    const entry = pop(heap);
    if (entry === undefined) return false;
    scheduler.now = entry.time;
    scheduler.steps++;
    const { process, run } = entry;
    if (process === undefined) run();
    else if (process.alive) {
      if (process.paused) process.backlog.push(run);
      else run();
    }
    endTick();
    return true;
  }

  return scheduler;
}

export function createProcess(name: string, scheduler: Scheduler): Process {
  const latest = { at: -Infinity, over: undefined };
  return { name, alive: true, paused: false, backlog: [], bornAt: scheduler.now, onDeath: new Set(), latest };
}

export function kill(process: Process): void {
  if (!process.alive) return;
  process.alive = false;
  process.backlog.length = 0;
  for (const end of process.onDeath) end();
  process.onDeath.clear();
}

/**
 * Go on: what the process missed happens now, in order.
 * @param comesFirst before all else that it missed
 */
export function resume(process: Process, scheduler: Scheduler, comesFirst?: (run: () => void) => boolean): void {
  process.paused = false;
  const missed = process.backlog.splice(0);
  if (comesFirst !== undefined) missed.sort((a, b) => Number(comesFirst(b)) - Number(comesFirst(a)));
  for (const run of missed) scheduler.after(0, process, run);
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    let smaller = left;
    if (right !== undefined && isBefore(right, left)) {
      smaller = right;
      child++;
    }
    if (!isBefore(smaller, last)) break;
    heap[at] = smaller;
    at = child;
  }
  heap[at] = last;
  return top;
}
