/** The worker types that the project ships: of each, program, image and ports are known. */
export const STORE_TYPE = 'store';
export const BUILT_IN_TYPES = ['counter', STORE_TYPE] as const;
export type BuiltInType = (typeof BUILT_IN_TYPES)[number];
/** The type of a worker whose entry does not say it. */
export const DEFAULT_TYPE: BuiltInType = 'counter';
/** What a store does when its keys take what they may. */
export const EVICTIONS = ['none', 'lru'] as const;
/** One of them. */
export type Eviction = (typeof EVICTIONS)[number];
/** Which part of a process's memory the keys of a store may take, at most. */
export const STORE_MEMORY_SHARES: Readonly<Record<Eviction, number>> = { none: 1 / 2, lru: 3 / 8 };
/** Those of them that serve Redis clients. */
export const RESP_TYPES: readonly string[] = ['store'];

export function isBuiltIn(type: string): type is BuiltInType {
  return BUILT_IN_TYPES.some((name) => name === type);
}
