import { type DataCommand, type KeyPlaces, NO_KEYS } from '@dpr/resp';

/** Where keys are among the words of a command. */
export const ONE_KEY: KeyPlaces = [1, 1, 1];
export const TWO_KEYS: KeyPlaces = [1, 2, 1];
export const ALL_KEYS: KeyPlaces = [1, -1, 1];
export const PAIRS: KeyPlaces = [1, -1, 2];

const READ = ['readonly', 'fast'];
const WRITE = ['write', 'denyoom', 'fast'];

export const reads = commandsWith(READ);
export const writes = commandsWith(WRITE);

/** A command that says how many keys it has before it says them. */
export function readsCounted(name: string, arity: number, summary: string, write: DataCommand['write']): DataCommand {
  return { name, arity, keys: NO_KEYS, summary, write, flags: ['readonly', 'movablekeys'] };
}

function commandsWith(flags: readonly string[]) {
  return (name: string, arity: number, keys: KeyPlaces, summary: string, write: DataCommand['write']): DataCommand => ({
    name,
    arity,
    keys,
    summary,
    write,
    flags,
  });
}
