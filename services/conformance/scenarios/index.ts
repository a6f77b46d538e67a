/** Everything that the conformance runner plays. */
import { BASICS } from './basics.ts';
import { CONNECTIONS } from './connections.ts';
import { REFUSALS } from './refusals.ts';
import { REMOVALS } from './removals.ts';
import { ROLLBACKS } from './rollbacks.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [...BASICS, ...CONNECTIONS, ...REFUSALS, ...ROLLBACKS, ...REMOVALS];
