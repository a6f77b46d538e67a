import {
  type Fire,
  isExactUnderFire,
  losesNothingAfterCommits,
  startFire,
  STORES,
  summaryOf,
} from '../cluster/fire/fire.ts';
import { until } from '../cluster/harness.ts';
import { deployments, type Deployments, kubectl, SMALL } from './deployments.ts';
import { type DeployedTarget, deployedTarget } from './fire-target.ts';

/** `DPR_FIRE_RUNS=10 DPR_FIRE_SEED=1`: so many runs, by this seed and those after it. */
const { DPR_FIRE_RUNS = '1', DPR_FIRE_SEED = '1' } = process.env;
const SEEDS = Array.from({ length: Number(DPR_FIRE_RUNS) }, (_, index) => Number(DPR_FIRE_SEED) + index);
const KILLS = 12;
const KILLS_AFTER_COMMITS = 3;
const STILL_CHANCE = 0.05;
/** The ports for Redis clients lie above all others of the stack. */
const RESP_OFFSET = 10;

describe('stores on Kubernetes whose pods are killed all the time, behind the ingress', function () {
  this.timeout(600_000);
  let deployed: Deployments;
  let target: DeployedTarget;
  let fire: Fire | undefined;

  before(async () => {
    deployed = await deployments();
    const respBasePort = deployed.basePort + RESP_OFFSET;
    await deployed.configure({
      'dpr:workerDefaults': SMALL,
      'dpr:finder': SMALL,
      'dpr:respBasePort': respBasePort,
      'dpr:workers': STORES.map((id) => ({ id, type: 'store' })),
    });
    await deployed.up();
    await kubectl(['label', 'namespace', deployed.namespace, 'app.kubernetes.io/part-of=dpr-cluster']);
    target = await deployedTarget(deployed, respBasePort);
  });
  beforeEach(() => until('all to serve', () => target.allServe()));
  afterEach(async () => {
    await fire?.stop();
    fire = undefined;
  });
  after(async () => {
    await (target as DeployedTarget | undefined)?.end();
    await (deployed as Deployments | undefined)?.end();
  });

  for (const seed of SEEDS) {
    it(`hold what clients were promised, and of the rest a beginning, exactly: seed ${seed}`, async () => {
      fire = await startFire(target, seed, STILL_CHANCE);
      await isExactUnderFire(fire, KILLS);
      console.log(summaryOf(fire).join('\n'));
    });

    it(`lose nothing when they are killed right after the answer to WAITAOF: seed ${seed}`, async () => {
      fire = await startFire(target, seed, 0);
      await losesNothingAfterCommits(fire, KILLS_AFTER_COMMITS);
    });
  }
});
