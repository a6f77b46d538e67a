/** REFRESH, answered by a worker: the load of telling clients grows with the workers and not with the Finder. */
import { decisionsAfter } from '../world-lines.ts';
import { cutOf, refuse, send, type Worker } from './state.ts';

/** The newest world-line, the decisions after `since`, and this worker's entry of the cut. */
export function refresh(worker: Worker, connection: number, since: number): void {
  if (worker.stamp === undefined) return;
  const missing = decisionsAfter(worker.decisions, since, worker.worldLine);
  if (since <= worker.worldLine && missing === undefined) {
    const oldest = worker.decisions[0]?.worldLine ?? worker.worldLine;
    const text = `decisions before world-line ${oldest} are forgotten`;
    return refuse(worker, connection, 'historyLost', text, undefined, oldest);
  }
  send(worker, connection, { ...cutOf(worker, worker.stamp), decisions: missing ?? [] });
}
