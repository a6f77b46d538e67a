/** `npm run fuzz`: what clients can send to hurt a cluster, a million frames a minute. `--help` tells what it can do. */
import { writeFile } from 'node:fs/promises';
import { errorText, EXIT_INTERRUPTED, interruption } from '@dpr/local/interrupt';
import { MAX_RESIDENT_BYTES, memoryChart } from './memory.ts';
import { FUZZ_EXIT, parseOptions } from './options.ts';
import { neverReached, progressLine, report } from './report.ts';
import { runFuzz, type Progress } from './run.ts';

const { minutes, seed, rate, connections, write } = parseOptions(process.argv.slice(2));
const signal = interruption();
let latest: Progress | undefined;
let failure: unknown;
console.log(`seed ${seed}, ${minutes} min, at most ${rate} frames a minute`);
try {
  latest = await runFuzz({
    seed,
    ms: 60_000 * minutes,
    framesPerMinute: rate,
    each: connections,
    signal,
    progress(seen) {
      latest = seen;
      console.log(progressLine(seen));
    },
  });
  const missing = signal.aborted ? [] : neverReached(latest.counts);
  if (missing.length > 0) throw new Error(`this was never reached: ${missing.join(', ')}`);
} catch (error) {
  failure = error;
}
if (latest !== undefined) {
  const text = report(latest, seed);
  process.stdout.write(`\n${text}`);
  if (write !== undefined) {
    await writeFile(write, text);
    await writeFile(
      `${write}.svg`,
      memoryChart(latest.samples, 'Resident memory, MiB, while being fuzzed', MAX_RESIDENT_BYTES),
    );
  }
}
if (failure !== undefined && !signal.aborted) console.log(`seed ${seed}: ${errorText(failure)}`);
process.exitCode = signal.aborted ? EXIT_INTERRUPTED : failure === undefined ? FUZZ_EXIT.ok : FUZZ_EXIT.failed;
