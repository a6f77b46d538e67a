/**
 * Takes the base of an incremental state in slices while versions execute, so that from time to time the chain of sections begins anew.
 * A slice belongs to the version that is open when it is taken: the changes of that version, and of later ones, are applied over it.
 */
import type { Timer } from '../../host.ts';
import type { IncrementalState } from '../incremental-state.ts';
import { createChain, cutChain, commitChain, extend, loadedChain, sizeOf, type Link, type Sweep } from './chain.ts';
import { checkChunk } from './chunk-framing.ts';
import type { SectionLimits } from './limits.ts';
import { isSweepDue, paceOf, shareOfSection, type Pace } from './sweep-policy.ts';
import { takeTurn, type TurnHost } from './time-slices.ts';

export interface Sweeper {
  /** Before the object seals: take what the open version must have of the base. */
  complete(): void;
  /** The open version ended as `version`. */
  sealed(version: number): SealedBase;
  /** The changes of a version are encoded: its link has their bytes. */
  encoded(): void;
  /** The object went back to `version`. */
  wentBack(version: number): void;
  committed(version: number): void;
  /** So many sealed versions are not on the disk yet. */
  behind(unwritten: number): void;
  /** The state is being replaced, or the worker ends: no turn comes before `loaded`. */
  pause(): void;
  /** The state is what these sections held. @param since undefined: nothing, the empty state */
  loaded(version: number, since: number | undefined, sections: number, bytes: number): void;
}

export interface SealedBase {
  readonly slices: readonly Uint8Array[];
  readonly link: Link;
}

const NOTHING_SWEPT: Sweep = { from: undefined, next: 0, swept: 0, sections: 0 };

export function sweeper(host: TurnHost, object: IncrementalState, limits: SectionLimits): Sweeper {
  let chain = createChain();
  let size = sizeOf(chain);
  /** The sweep under way, as the open version has it. */
  let sweep: Sweep | undefined;
  /** Slices that were taken in the open version, and their bytes. */
  let slices: Uint8Array[] = [];
  let taken = 0;
  /** Bytes that it must have when it is sealed. */
  let share = 0;
  let isBehind = false;
  let lastTurnAt = 0;
  let timer: Timer | undefined;
  let immediate: Timer | undefined;
  /** The pace that the next turn was asked for. */
  let armed: Pace = 'rest';
  let isPaused = false;

  function pace(): Pace {
    if (isPaused) return 'rest';
    return paceOf(sweep, { taken, share, isBehind }, size, object.baseBytes(), limits);
  }

  /** Another version is open, and nothing was taken in it. */
  function open(): void {
    slices = [];
    taken = 0;
    const last = chain.links.at(-1);
    size = sizeOf(chain);
    sweep = last?.sweep;
    const baseBytes = object.baseBytes();
    if (sweep === undefined && isSweepDue(size, last?.deltas ?? 0, baseBytes, limits)) sweep = NOTHING_SWEPT;
    share = sweep === undefined ? 0 : shareOfSection(sweep, size, baseBytes, limits);
    arm();
  }

  /** Seals may come faster than turns: one that was asked for stays. */
  function arm(): void {
    const next = pace();
    if (next === armed) return;
    host.clearTimeout(timer);
    host.clearImmediate(immediate);
    armed = next;
    // No timer of 0 ms: one that is set by its like runs in the same turn of the event loop if that took a millisecond.
    if (next === 'at once') immediate = host.setImmediate(turn);
    if (next === 'steady') timer = host.setTimeout(turn, limits.periodMs);
  }

  function turn(): void {
    armed = 'rest';
    const now = host.now();
    const usual = (limits.bytesPerSecond * Math.min(now - lastTurnAt, 2 * limits.periodMs)) / 1_000;
    lastTurnAt = now;
    takeTurn(host, limits.turnBytes, (left) => {
      const next = pace();
      const allowed = next === 'at once' ? left : next === 'steady' ? usual - (limits.turnBytes - left) : 0;
      const room = Math.max(share, limits.sectionBaseBytes) - taken;
      return allowed > 0 ? takeSlice(Math.min(allowed, room, limits.chunkBytes)) : undefined;
    });
    arm();
  }

  /** @returns its bytes; an empty one is work, too */
  function takeSlice(maxBytes: number): number {
    if (sweep?.next === undefined) throw new Error('no sweep is under way');
    const { bytes, next } = object.base(sweep.next, Math.max(1, Math.floor(maxBytes)));
    checkChunk(bytes);
    if (bytes.length > 0) slices.push(bytes);
    taken += bytes.length;
    sweep = { ...sweep, next, swept: sweep.swept + bytes.length };
    return Math.max(1, bytes.length);
  }

  return {
    complete() {
      while (sweep?.next !== undefined && taken < share) takeSlice(limits.chunkBytes);
    },
    sealed(version) {
      const sealed = { slices, link: extend(chain, version, sweep, taken) };
      open();
      return sealed;
    },
    encoded() {
      size = sizeOf(chain);
      arm();
    },
    wentBack(version) {
      cutChain(chain, version);
      isBehind = false; // what was not written was undone
      open();
    },
    committed: (version) => commitChain(chain, version),
    behind(unwritten) {
      isBehind = unwritten > 1;
      arm();
    },
    pause() {
      isPaused = true;
      arm();
    },
    loaded(version, since, sections, bytes) {
      chain = since === undefined ? createChain() : loadedChain(version, since, sections, bytes);
      isBehind = false;
      isPaused = false;
      open();
    },
  };
}
