/** What a store holds, as plain values that never change, and how operations change it: the model that a simulated store is compared with. */

export interface Collections {
  readonly hash: ReadonlyMap<string, string>;
  readonly list: readonly string[];
  readonly set: ReadonlySet<string>;
  readonly sortedSet: ReadonlyMap<string, number>;
}

export type Values = Collections & { readonly string: string };

export type TypeName = keyof Values;

export type Entry = {
  [Type in TypeName]: {
    readonly type: Type;
    readonly value: Values[Type];
    /** Ms since 1970 by the store's clock; 0: none. */
    readonly deadline: number;
  };
}[TypeName];

/** By key, of the keys whose time is not over. */
export type Contents = ReadonlyMap<string, Entry>;

/** Contents that a batch changes. Their values are replaced, so that earlier contents stay as they are. */
export class Draft {
  readonly entries = new Map<string, Entry>();
  /** So many operations are not done, because of one before them. */
  skipped = 0;
  readonly clock: number;

  /** @param clock of the store while the batch executes */
  constructor(before: Contents, clock: number) {
    this.clock = clock;
    for (const [key, entry] of before) {
      if (entry.deadline === 0 || entry.deadline > clock) this.entries.set(key, entry);
    }
  }

  /** The key's value; undefined: it is not there, or holds another type. */
  valueOf<Type extends TypeName>(key: string, type: Type): Values[Type] | undefined {
    const entry = this.entries.get(key);
    return entry?.type === type ? (entry.value as Values[Type]) : undefined;
  }

  holdsOther(key: string, type: TypeName): boolean {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.type !== type;
  }

  /** A key that is there keeps its deadline, unless one is given. */
  put<Type extends TypeName>(key: string, type: Type, value: Values[Type], deadline = this.deadlineOf(key)): void {
    this.entries.set(key, { type, value, deadline } as Entry);
  }

  deadlineOf(key: string): number {
    return this.entries.get(key)?.deadline ?? 0;
  }
}

/** How many elements a collection has. */
export function sizeOf(collection: Collections[keyof Collections]): number {
  return 'size' in collection ? collection.size : collection.length;
}
