/** Loaded before a program that is to be profiled: each SIGUSR2 begins a CPU profile, or ends it and writes it. */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import path from 'node:path';

/** Names the directory; nothing is profiled without it. */
const DIRECTORY = process.env.BENCH_PROFILE;
const SAMPLING_INTERVAL_US = 200;

if (DIRECTORY !== undefined) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
  let running = false;
  process.on('SIGUSR2', () => {
    running = !running;
    if (running) return session.post('Profiler.start');
    session.post('Profiler.stop', (error, { profile }) => {
      if (error !== null) throw error;
      const program = path.basename(process.argv[1] ?? 'node', '.js');
      writeFileSync(path.join(DIRECTORY, `${program}-${process.pid}.cpuprofile`), JSON.stringify(profile));
    });
  });
}
