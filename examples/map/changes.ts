/** What versions changed, each beside what had been there before: for checkpoints, and for going back. */

/** A key that a version changed. Undefined: it was not there, or is not there any more. */
export interface Change {
  readonly before: string | undefined;
  after: string | undefined;
}

interface Version {
  /** Infinity: it is open. */
  version: number;
  readonly changes: Map<string, Change>;
  undoBytes: number;
}

/** About what a change takes besides its texts. */
const CHANGE_BYTES = 100;

export interface Changes {
  /** The key becomes `after` in the open version; at its first change there, `before` is kept. */
  note(key: string, before: string | undefined, after: string | undefined): void;
  /** @returns the changes of the version, which are not added to any more */
  seal(version: number): ReadonlyMap<string, Readonly<Change>>;
  /** Forget the versions above. @param restore gets what their keys had been, newest first */
  rollback(version: number, restore: (key: string, before: string | undefined) => void): void;
  committed(version: number): void;
  undoBytes(): number;
  clear(): void;
}

export function createChanges(): Changes {
  /** In order; the last one is open. */
  let versions = [openVersion()];

  function last(): Version {
    const version = versions.at(-1);
    if (version === undefined) throw new Error('one version is always open');
    return version;
  }

  return {
    note(key, before, after) {
      const open = last();
      const change = open.changes.get(key);
      if (change !== undefined) change.after = after;
      else {
        open.changes.set(key, { before, after });
        open.undoBytes += CHANGE_BYTES + 2 * (key.length + (before?.length ?? 0));
      }
    },
    seal(version) {
      const { changes } = Object.assign(last(), { version });
      versions.push(openVersion());
      return changes;
    },
    rollback(version, restore) {
      const kept = versions.filter((one) => one.version <= version);
      for (const { changes } of versions.slice(kept.length).reverse()) {
        for (const [key, { before }] of changes) restore(key, before);
      }
      versions = [...kept, openVersion()];
    },
    committed(version) {
      versions = versions.filter((one) => one.version > version);
    },
    undoBytes: () => versions.reduce((sum, { undoBytes }) => sum + undoBytes, 0),
    clear() {
      versions = [openVersion()];
    },
  };
}

function openVersion(): Version {
  return { version: Infinity, changes: new Map(), undoBytes: 0 };
}
