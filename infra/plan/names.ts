/** The worker type that the project ships: its program, its image and its ports are known. */
export const BUILT_IN_TYPE = 'counter';
/** The Finder's name wherever it has one: in Kubernetes, and as its data directory. */
export const FINDER_NAME = 'dpr-finder';

/** A worker's name, also of its data directory. It never changes, and no two workers share one since no two share an id. */
export function workerName(worker: { readonly type: string; readonly id: number }): string {
  return `${worker.type}-${worker.id}`;
}
