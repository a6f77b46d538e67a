import type { AdaptedState, StateEvents, StateLimits } from './adapted-state.ts';
import { adaptIncremental } from './incremental/index.ts';
import type { TurnHost } from './incremental/time-slices.ts';
import type { AnyState } from './state-object.ts';
import { adaptWhole } from './whole-state.ts';

/** @param object of either kind */
export function adaptState(host: TurnHost, object: AnyState, limits: StateLimits, events: StateEvents): AdaptedState {
  return 'seal' in object ? adaptIncremental(host, object, limits, events) : adaptWhole(object, limits, events);
}
