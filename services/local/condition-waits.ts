/** Waiting for what a change of a process may bring. */
export interface Conditions {
  /** Looks at every condition that is waited for. */
  readonly changed: () => void;
  /** Resolves once it holds: it does already, or after a change. */
  readonly until: (holds: () => boolean) => Promise<void>;
}

export function createConditions(): Conditions {
  const watchers = new Set<() => void>();
  return {
    changed() {
      for (const watcher of [...watchers]) watcher();
    },
    until(holds) {
      if (holds()) return Promise.resolve();
      return new Promise((resolve) => {
        const watcher = () => {
          if (!holds()) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    },
  };
}
