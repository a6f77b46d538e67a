import {
  type Fire,
  isExactUnderFire,
  losesNothingAfterCommits,
  PROCESSES,
  startFire,
  STORES,
  summaryOf,
} from './fire/fire.ts';
import { localTarget } from './fire/local-target.ts';
import { tearDown } from './harness.ts';

/** `DPR_FIRE_RUNS=50 DPR_FIRE_SEED=1`: so many runs, by this seed and those after it, with figures, and with stores that stand still. */
const { DPR_FIRE_RUNS = '1', DPR_FIRE_SEED = '1' } = process.env;
const IS_SHOWN = process.env.DPR_FIRE_RUNS !== undefined;
const SEEDS = Array.from({ length: Number(DPR_FIRE_RUNS) }, (_, index) => Number(DPR_FIRE_SEED) + index);
const KILLS = 12;
/** Of strikes: they take 2 to 3 s. */
const STILL_CHANCE = IS_SHOWN ? 0.05 : 0;
/** Kills of all right after the answers to WAITAOF. */
const KILLS_AFTER_COMMITS = 3;

function show(lines: readonly string[]): void {
  if (IS_SHOWN) for (const line of lines) console.log(`      ${line}`);
}

describe('stores whose processes are killed all the time', () => {
  let fire: Fire | undefined;

  afterEach(async () => {
    await fire?.stop();
    fire = undefined;
  });
  afterEach(tearDown);

  for (const seed of SEEDS) {
    it(`hold what clients were promised, and of the rest a beginning, exactly: seed ${seed}`, async () => {
      fire = await startFire(await localTarget(STORES, PROCESSES), seed, STILL_CHANCE);
      await isExactUnderFire(fire, KILLS);
      show(summaryOf(fire));
    });

    it(`lose nothing when they are killed right after the answer to WAITAOF: seed ${seed}`, async () => {
      fire = await startFire(await localTarget(STORES, PROCESSES), seed, 0);
      await losesNothingAfterCommits(fire, KILLS_AFTER_COMMITS);
      show(summaryOf(fire));
    });
  }
});
