/** What a mutant is, and the rooms that it changes. */
export interface Change {
  /** Relative to the root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** A number, perhaps with a letter, and what it does. */
  readonly name: string;
  readonly changes: readonly Change[];
}

export const CLIENT = 'services/client';
export const CORE = 'services/core';
export const RUNTIME = 'services/runtime';
export const RUNTIME_WORKER = `${RUNTIME}/worker`;
export const STORAGE = `${RUNTIME}/storage`;

export function mutant(name: string, file: string, find: string, replace: string, ...more: readonly Change[]): Mutant {
  return { name, changes: [{ file, find, replace }, ...more] };
}

export function change(file: string, find: string, replace: string): Change {
  return { file, find, replace };
}
