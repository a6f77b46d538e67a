import type { Host } from './host.ts';

/** Runs things at the end of the tick. */
export type TickEnd = (run: () => void) => void;

const tickEnds = new WeakMap<object, TickEnd>();

/** One visit of the host for all that ask in a tick: what its sockets hold back goes out together. */
export function tickEndOf(host: Pick<Host, 'nextTick'>): TickEnd {
  let tickEnd = tickEnds.get(host);
  if (tickEnd === undefined) tickEnds.set(host, (tickEnd = createTickEnd(host)));
  return tickEnd;
}

function createTickEnd(host: Pick<Host, 'nextTick'>): TickEnd {
  const asked: (() => void)[] = [];
  const runAll = (): void => {
    for (const run of asked.splice(0)) run();
  };
  return (run) => {
    if (asked.push(run) === 1) host.nextTick(runAll);
  };
}
