/** Which workers the search box leaves. Pure. */
import type { WorkerView } from '../messages.ts';
import { workerName } from './format.ts';

/**
 * @param query words that must all be found in a worker's name, state, address or trouble; a number must be its id, or a whole
 * number of its address
 */
export function matching(workers: readonly WorkerView[], query: string): readonly WorkerView[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return workers;
  return workers.filter((worker) => words.every((word) => has(worker, word)));
}

function has(worker: WorkerView, word: string): boolean {
  if (/^\d+$/.test(word)) return String(worker.id) === word || worker.address.split(/\D+/).includes(word);
  const { state, address, trouble } = worker;
  return [workerName(worker), state, address, trouble].some((text) => text.toLowerCase().includes(word));
}
