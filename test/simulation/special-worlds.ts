/** Worlds in which a situation that is rare elsewhere is frequent. What a draw does not name is as the usual world has it. */
import { QUIET_WORLD, type WorldOptions } from './options.ts';
import type { Random } from './random.ts';
import {
  drawClogs,
  drawHectic,
  drawRemote,
  drawSleepers,
  drawStops,
  drawStores,
  drawSuccession,
  drawSweeping,
} from './worlds/workers.ts';
import {
  drawCramped,
  drawCrowded,
  drawExpiry,
  drawForgetful,
  drawHostile,
  drawResets,
  drawShort,
  drawTurnover,
} from './worlds/sessions.ts';
import { drawLeaving, drawRevenants, drawUndone, drawYoung } from './worlds/members.ts';
import { drawOutdated, drawPowerless, drawRotten } from './worlds/disks.ts';

interface SpecialWorld {
  /** Of the seeds; the others are of the usual kind. */
  readonly share: number;
  readonly draw: (random: Random, usual: WorldOptions) => Partial<WorldOptions>;
}

export const SPECIAL_WORLDS = {
  steady: { share: 0.02, draw: drawSteady },
  expiry: { share: 0.04, draw: drawExpiry },
  hectic: { share: 0.08, draw: drawHectic },
  crowded: { share: 0.03, draw: drawCrowded },
  succession: { share: 0.08, draw: drawSuccession },
  young: { share: 0.05, draw: drawYoung },
  remote: { share: 0.06, draw: drawRemote },
  stops: { share: 0.06, draw: drawStops },
  sleepers: { share: 0.04, draw: drawSleepers },
  leaving: { share: 0.06, draw: drawLeaving },
  powerless: { share: 0.05, draw: drawPowerless },
  short: { share: 0.06, draw: drawShort },
  rotten: { share: 0.03, draw: drawRotten },
  forgetful: { share: 0.02, draw: drawForgetful },
  revenants: { share: 0.02, draw: drawRevenants },
  resets: { share: 0.05, draw: drawResets },
  clogs: { share: 0.03, draw: drawClogs },
  undone: { share: 0.02, draw: drawUndone },
  cramped: { share: 0.02, draw: drawCramped },
  turnover: { share: 0.04, draw: drawTurnover },
  outdated: { share: 0.02, draw: drawOutdated },
  hostile: { share: 0.03, draw: drawHostile },
  sweeping: { share: 0.04, draw: drawSweeping },
  stores: { share: 0.02, draw: drawStores },
} as const satisfies Readonly<Record<string, SpecialWorld>>;
export type SpecialWorldName = keyof typeof SPECIAL_WORLDS;
export const SPECIAL_WORLD_NAMES = Object.keys(SPECIAL_WORLDS) as SpecialWorldName[];

/** Many workers with many sessions across them, clocks that agree and no faults: what everything costs can be told in advance. */
function drawSteady(random: Random): Partial<WorldOptions> {
  return {
    workers: random.int(4, 8),
    clients: 4,
    sessionsPerClient: 1,
    callsPerSession: 100,
    strictChance: 0,
    abandonChance: 0,
    commitChance: 0,
    stayChance: 0,
    thinkMs: 1,
    networkDelayMs: 0.3,
    diskDelayMs: 0.3,
    checkpointIntervalMs: 20,
    maxUnwrittenVersions: 16,
    maxUncommittedCheckpoints: 1000,
    clockSkewMs: 0,
    asyncStateChance: 0,
    incrementalChance: 0,
    faultsForMs: 200,
    rates: QUIET_WORLD.rates,
  };
}
