/** Flushes the sessions that had calls in a tick, all together once it is over. */
import type { Host } from '@dpr/runtime/host';

interface Flushable {
  flush(): void;
}

/** @returns what is told of each session that had its first call of a tick */
export function flushes(host: Host): (session: Flushable) => void {
  let due: Flushable[] = [];

  function flushAll(): void {
    const all = due;
    due = [];
    for (const session of all) session.flush();
  }

  return (session) => {
    if (due.push(session) === 1) host.nextTick(flushAll);
  };
}
