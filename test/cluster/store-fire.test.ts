import { type Fire, startFire } from './fire/fire.ts';
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

function show(text: string): void {
  if (IS_SHOWN) console.log(`      ${text}`);
}

function summary({ writers, strikes }: Fire): string {
  const lines = writers.map(({ counts }) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', '),
  );
  return [JSON.stringify(strikes.counts), ...lines].join('\n      ');
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
      const { writers, strikes } = (fire = await startFire(seed, STILL_CHANCE));
      let isFailed = false; // one of them: the others end
      // Each of them was told of a loss, or lost a connection, and was right since.
      const isOver = (): boolean =>
        isFailed ||
        (strikes.counts.kills >= KILLS &&
          writers.every(({ counts }) => counts.rollbacks + counts.breaks > 0 && counts.looks > 1));
      const orEnd = async (work: Promise<void>): Promise<void> => {
        try {
          await work;
        } catch (error) {
          isFailed = true;
          throw error;
        }
      };
      await Promise.all([...writers.map((writer) => writer.run(isOver)), strikes.run(writers, isOver)].map(orEnd));
      strikes.killAll();
      await Promise.all(writers.map((writer) => writer.look()));
      show(summary(fire));
    });

    it(`lose nothing when they are killed right after the answer to WAITAOF: seed ${seed}`, async () => {
      const { resp, strikes } = (fire = await startFire(seed, 0));
      for (let kill = 0; kill < KILLS_AFTER_COMMITS; kill++) {
        await Promise.all(resp.map((writer) => writer.writeForGood()));
        strikes.killAll();
        await Promise.all(resp.map((writer) => writer.look()));
      }
      show(summary(fire));
    });
  }
});
