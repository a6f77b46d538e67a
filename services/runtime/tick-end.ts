import type { Host } from './host.ts';

type Ticking = Pick<Host, 'nextTick'>;

/** Runs something with each of what it is given in a tick, all together once the tick is over. */
export function atTickEnd<Item>(host: Ticking, run: (item: Item) => void): (item: Item) => void {
  let due: Item[] = [];
  const runAll = (): void => {
    const all = due;
    due = [];
    for (const item of all) run(item);
  };
  return (item) => {
    if (due.push(item) === 1) host.nextTick(runAll);
  };
}

/** Runs things at the end of the tick. */
export type TickEnd = (run: () => void) => void;

const tickEnds = new WeakMap<object, TickEnd>();

/** One visit of the host for all that ask in a tick: what its sockets hold back goes out together. */
export function tickEndOf(host: Ticking): TickEnd {
  let tickEnd = tickEnds.get(host);
  if (tickEnd === undefined) tickEnds.set(host, (tickEnd = atTickEnd(host, (run) => run())));
  return tickEnd;
}
