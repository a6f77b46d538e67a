/** The load generator, a process of its own: takes one order after another from its parent. */
import type { RecordableHistogram } from 'node:perf_hooks';
import { cpuNs } from '../core-pinning.ts';
import { dprLoad } from './dpr-load.ts';
import { echoLoad } from './echo-load.ts';
import type { Line, Load, LoadTarget } from './load-interface.ts';
import { closedLoop, keepBusy, openLoop } from './loops.ts';
import { measureMemory } from './memory.ts';
import type { Latencies, LoadAnswer, LoadOrder, Measured } from './protocol.ts';
import { redisLoad } from './redis-load.ts';

const LOADS: Readonly<Record<LoadTarget['peer'], (target: LoadTarget) => Promise<Load>>> = {
  dpr: dprLoad,
  redis: redisLoad,
  echo: echoLoad,
};

/** What comes first in the open loop does not count: it waits for the closed loop's garbage, and for code to be compiled for it. */
const LEAD_MS = 150;

async function obey({
  peer,
  address,
  cell,
  warmBatches,
  closedMs,
  openMs,
  memoryMs,
  ...order
}: LoadOrder): Promise<Measured> {
  const { batch, inFlight, route } = cell;
  const { lines, close } = await LOADS[peer]({ peer, address, cell });
  const measured = route?.kind === 'read' ? lines.slice(0, 1) : lines;
  const others = lines.slice(measured.length);
  const stop = keepBusy(others, inFlight);
  await warmUp(measured, inFlight, warmBatches, order.warmLimitMs);
  const before = { server: serverCpuNs(order), load: cpuNs(process.pid) };
  const { batches, ms } = await closedLoop(measured, inFlight, closedMs);
  const operations = batches * batch;
  const perOperation = (spentNs: number): number => (others.length > 0 ? NaN : spentNs / operations);
  const serverNs = perOperation(serverCpuNs(order) - before.server);
  const loadNs = perOperation(cpuNs(process.pid) - before.load);
  const perSecond = openMs === 0 ? 0 : (order.perSecond ?? (batches / ms) * 500);
  const latency = openMs === 0 ? undefined : latenciesOf(await openLoop(measured, perSecond, openMs, LEAD_MS));
  const memory = memoryMs === 0 ? undefined : await measureMemory(measured, inFlight, batch, memoryMs, order.servers);
  await stop();
  await close();
  return { operationsPerSecond: (operations / ms) * 1000, serverNs, loadNs, perSecond, latency, memory };
}

function serverCpuNs({ servers }: Pick<LoadOrder, 'servers'>): number {
  return servers.reduce((sum, pid) => sum + cpuNs(pid), 0);
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
