/** The load generator, a process of its own: takes one order after another from its parent. */
import type { RecordableHistogram } from 'node:perf_hooks';
import { cpuNs } from '../cpu.ts';
import { dprLoad } from './dpr-load.ts';
import { echoLoad } from './echo-load.ts';
import type { Line, Load, LoadTarget } from './line.ts';
import { closedLoop, openLoop } from './loops.ts';
import type { Latencies, LoadAnswer, LoadOrder, Measured } from './protocol.ts';
import { redisLoad } from './redis-load.ts';

const LOADS: Readonly<Record<LoadTarget['peer'], (target: LoadTarget) => Promise<Load>>> = {
  dpr: dprLoad,
  redis: redisLoad,
  echo: echoLoad,
};

/** What comes first in the open loop does not count: it waits for the closed loop's garbage, and for code to be compiled for it. */
const LEAD_MS = 150;

async function obey({ peer, address, cell, warmBatches, closedMs, openMs, ...order }: LoadOrder): Promise<Measured> {
  const { batch, connections, inFlight, sessions } = cell;
  const { lines, close } = await LOADS[peer]({ peer, address, connections, sessions, batch });
  await warmUp(lines, inFlight, warmBatches, order.warmLimitMs);
  const before = { server: cpuNs(order.server), load: cpuNs(process.pid) };
  const { batches, ms } = await closedLoop(lines, inFlight, closedMs);
  const operations = batches * batch;
  const serverNs = (cpuNs(order.server) - before.server) / operations;
  const loadNs = (cpuNs(process.pid) - before.load) / operations;
  const perSecond = openMs === 0 ? 0 : (order.perSecond ?? (batches / ms) * 500);
  const latency = openMs === 0 ? undefined : latenciesOf(await openLoop(lines, perSecond, openMs, LEAD_MS));
  await close();
  return { operationsPerSecond: (operations / ms) * 1000, serverNs, loadNs, perSecond, latency };
}

const WARM_STEP_MS = 50;
async function warmUp(lines: readonly Line[], inFlight: number, batches: number, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  for (let done = 0; done < batches && performance.now() < end;) {
    done += (await closedLoop(lines, inFlight, WARM_STEP_MS)).batches;
  }
}

function latenciesOf(histogram: RecordableHistogram): Latencies {
  return {
    count: histogram.count,
    p50: histogram.percentile(50),
    p90: histogram.percentile(90),
    p99: histogram.percentile(99),
    p999: histogram.percentile(99.9),
    max: histogram.max,
  };
}

process.on('message', (order: LoadOrder) => {
  obey(order).then(
    (measured) => answer({ measured }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

function answer(message: LoadAnswer): void {
  process.send?.(message);
}
