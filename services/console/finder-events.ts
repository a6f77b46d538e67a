/** Tells in words what the Finder says happened. */
import type { ClusterEvent, Operator } from '@dpr/client';
import { duration } from '@dpr/client/status-table';
import type { ConsoleEvent } from './messages.ts';

export function noteEvents(operator: Operator, tell: (event: Omit<ConsoleEvent, 'number'>) => void): void {
  operator.watch((event) => {
    const told = wordsOf(event);
    if (told !== undefined) tell({ at: Date.now(), isRollback: event.kind === 'rolledBack', ...told });
  });
}

/** Undefined: it is no news to people. */
function wordsOf(event: ClusterEvent): Pick<ConsoleEvent, 'level' | 'text'> | undefined {
  switch (event.kind) {
    case 'joined':
      return { level: 'well', text: `Worker ${event.worker} joined as generation ${event.generation}.` };
    case 'restarted':
      return { level: 'warning', text: `Worker ${event.worker} was started anew, and serves again.` };
    case 'silent':
      return { level: 'critical', text: `Worker ${event.worker} is silent for ${duration(event.forMs)}.` };
    case 'answersAgain':
      return { level: 'well', text: `Worker ${event.worker} answers again.` };
    case 'leaving':
      return { level: 'warning', text: `Worker ${event.worker} is leaving.` };
    case 'left':
      return { level: 'well', text: `Worker ${event.worker} left the cluster.` };
    case 'rolledBack':
      return { level: 'warning', text: `World-line ${event.worldLine}: what was not committed was rolled back.` };
    case 'cut':
      return undefined;
  }
}
