/** Versions as numbers: where they end, and what follows one. */
import { MAX_VERSION } from '@dpr/protocol';

/** From here on whole numbers are two apart. */
const TWO_TO_53 = 2 ** 53;

/** The version after this one. */
export function versionAfter(version: number): number {
  return version < TWO_TO_53 ? version + 1 : version + 2;
}

/** The largest version that a client may claim where `reached` is known and `jump` further is believed. */
export function claimable(reached: number, jump: number): number {
  return reached > MAX_VERSION ? reached + jump : Math.min(reached + jump, MAX_VERSION);
}
