/**
 * What the harness knows of the sections that make a state: where the chain begins, how large it is, and how far the sweep of the base had
 * come at each version, so that all of it can go back with a rollback.
 */

/** A sweep: it writes the base anew, slice by slice, while versions go by. It is never changed, only followed by another. */
export interface Sweep {
  /** The version of the first section that has slices of it; undefined: that one is still open. */
  readonly from: number | undefined;
  /** Where the next slice begins; undefined: the base was passed. */
  readonly next: number | undefined;
  /** Bytes that its slices have. */
  readonly swept: number;
  /** Sections that it went through, without the open one. */
  readonly sections: number;
}

/** A section: that of a version, or all those together that a process found on its volume. */
export interface Link {
  readonly version: number;
  /** With the sections of all versions from this one on, up to its own, it is the whole state. */
  readonly since: number;
  readonly sections: number;
  /** Sections since the last sweep ended. */
  readonly deltas: number;
  /** The sweep that goes on in the next section. */
  readonly sweep: Sweep | undefined;
  /** Bytes of base slices, and of changes as far as they are encoded. */
  base: number;
  changes: number;
}

export interface Chain {
  /** In order; what the oldest version that may be gone back to needs, and later ones. */
  links: Link[];
}

export interface ChainSize {
  readonly sections: number;
  readonly bytes: number;
  /** Of the bytes, the changes of sections that the sweep under way went through. */
  readonly changesInSweep: number;
}

export function createChain(): Chain {
  return { links: [] };
}

/** The chain of what was loaded; a sweep that was under way is not known any more. */
export function loadedChain(version: number, since: number, sections: number, bytes: number): Chain {
  return { links: [{ version, since, sections, deltas: sections, sweep: undefined, base: 0, changes: bytes }] };
}

/** The open version is sealed. @param sweep as the open version left it @param base bytes of its slices */
export function extend(chain: Chain, version: number, sweep: Sweep | undefined, base: number): Link {
  const last = chain.links.at(-1);
  const sealed = sweep && { ...sweep, from: sweep.from ?? version, sections: sweep.sections + 1 };
  const isComplete = sealed !== undefined && sealed.next === undefined;
  const link: Link = {
    version,
    since: isComplete ? sealed.from : (last?.since ?? version),
    sections: 1,
    deltas: isComplete ? 0 : (last?.deltas ?? 0) + 1,
    sweep: isComplete ? undefined : sealed,
    base,
    changes: 0,
  };
  chain.links.push(link);
  return link;
}

/** Go back to `version`. */
export function cutChain(chain: Chain, version: number): void {
  chain.links = chain.links.filter((link) => link.version <= version);
}

/** No rollback goes below `version` any more: forget the sections that are not needed from there on. */
export function commitChain(chain: Chain, version: number): void {
  const { links } = chain;
  const since = links.findLast((link) => link.version <= version)?.since ?? 0;
  const kept = links.findIndex((link) => link.version >= since);
  if (kept > 0) links.splice(0, kept);
}

/** The size of what the newest section needs. */
export function sizeOf({ links }: Chain): ChainSize {
  const last = links.at(-1);
  const from = last?.sweep?.from ?? Infinity;
  let [sections, bytes, changesInSweep] = [0, 0, 0];
  for (const link of links) {
    if (link.version < (last?.since ?? 0)) continue;
    sections += link.sections;
    bytes += link.base + link.changes;
    if (link.version >= from) changesInSweep += link.changes;
  }
  return { sections, bytes, changesInSweep };
}
