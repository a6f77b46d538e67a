/**
 * What a session has for each worker, in the order in which it met them. An array, since each step looks at all of them. Most sessions
 * have one, and many no more than a few; only those that have several need a map to find them by their workers.
 */
export class Lanes<Lane extends { readonly worker: number }> {
  readonly #all: Lane[] = [];
  #byWorker: Map<number, Lane> | undefined;

  /** In the order in which they were added. */
  get all(): readonly Lane[] {
    return this.#all;
  }

  get(worker: number): Lane | undefined {
    const [first] = this.#all;
    return first?.worker === worker ? first : this.#byWorker?.get(worker);
  }

  /** @param lane of a worker that has none yet */
  add(lane: Lane): void {
    this.#all.push(lane);
    if (this.#all.length === 1) return;
    this.#byWorker ??= new Map();
    this.#byWorker.set(lane.worker, lane);
  }
}
