/** Files that no durable manifest refers to any more. */
import type { Disk } from './disk.ts';
import { systemCode } from './errors.ts';
import { type ManifestLog, refuseIfSuperseded } from './manifest-log.ts';
import { filesOf, outsideOf } from './manifest.ts';
import { incarnationOf } from './file-names.ts';

export interface Garbage {
  /** Files of this incarnation that are to be removed. */
  add(names: readonly string[]): void;
  isEmpty(): boolean;
  /** @throws SupersededError when the files belong to a later incarnation by now */
  collect(): Promise<void>;
}

export function createGarbage(disk: Disk, incarnation: number, log: ManifestLog): Garbage {
  const garbage = new Set<string>();
  let swept = false;

  /** Removes what nothing durable refers to; the first time also what earlier incarnations left. */
  async function collect(): Promise<void> {
    if (garbage.size === 0 && swept) return;
    await refuseIfSuperseded(disk, incarnation);
    const names = await disk.list();
    const needed = new Set(outsideOf(log.state().entries).flatMap(filesOf));
    const leftover = (name: string) =>
      !swept && !needed.has(name) && (incarnationOf(name) ?? incarnation) < incarnation;
    for (const name of names) {
      if (garbage.has(name) || leftover(name)) await removeFile(disk, name);
    }
    garbage.clear();
    swept = true;
  }

  return {
    add(names) {
      for (const name of names) garbage.add(name);
    },
    isEmpty: () => garbage.size === 0,
    collect,
  };
}

async function removeFile(disk: Disk, name: string): Promise<void> {
  try {
    await disk.unlink(name);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
