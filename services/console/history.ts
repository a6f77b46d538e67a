/** The last quarter of an hour of a cluster, a sample for each second. Pure. */
import type { Sample } from './messages.ts';

/** 15 minutes; a sample is less than 100 bytes of JSON. */
export const MAX_SAMPLES = 900;

export interface History {
  /** Replaces a sample of the same second. */
  readonly add: (sample: Sample) => void;
  /** Oldest first. */
  readonly samples: () => readonly Sample[];
}

export function createHistory(): History {
  let samples: Sample[] = [];
  return {
    add(sample) {
      const last = samples.at(-1);
      if (last !== undefined && second(last) === second(sample)) samples.pop();
      samples.push(sample);
      // Seldom, so that adding costs nothing.
      if (samples.length >= 2 * MAX_SAMPLES) samples = samples.slice(-MAX_SAMPLES);
    },
    samples: () => samples.slice(-MAX_SAMPLES),
  };
}

function second({ at }: Sample): number {
  return Math.floor(at / 1_000);
}
