/** A worker's process that stands still while Kubernetes replaces its pod, and goes on when its successor is at work. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { FIND_MAIN } from '../../services/chaos/signal-script.ts';
import { kubectl } from './deployments.ts';

export interface Zombie {
  /** Waits until another process has taken over the volume. */
  succeeded(): Promise<void>;
  wake(): Promise<void>;
  /** Waits until it has ended. @returns what it logged since it stood still */
  lastWords(): Promise<string>;
}

/** On the volume, which is all that the old pod and the new one share. */
const WAKE_FILE = '/data/wake';
const STOPPED = 'it stands still';
const SUCCEEDED = 'it has a successor';
const LIMIT_MS = 120_000;
const POLL_MS = 20;

/** Runs in the old pod, where nothing else can be started once Kubernetes has forgotten it. */
const SCRIPT = `${FIND_MAIN}
const { existsSync } = require('node:fs');
const incarnation = () => Math.max(...readdirSync('/data/dpr', { recursive: true })
  .map((name) => Number(/manifest-(\\d+)$/.exec(name)?.[1] ?? 0)));
const first = incarnation();
process.kill(Number(main.pid), 'SIGSTOP');
writeSync(1, '${STOPPED}\\n');
let told = false;
setInterval(() => {
  if (!told && incarnation() > first) {
    told = true;
    writeSync(1, '${SUCCEEDED}\\n');
  }
  if (existsSync('${WAKE_FILE}')) process.kill(Number(main.pid), 'SIGCONT');
}, ${POLL_MS});
`;

/** Lets the process of a pod stand still. */
export async function startZombie(namespace: string, pod: string): Promise<Zombie> {
  const inPod = ['--namespace', namespace, pod, '--container', 'worker'];
  const log = listen(spawn('kubectl', ['logs', '--follow', '--tail=0', ...inPod]));
  const script = listen(spawn('kubectl', ['exec', ...inPod, '--', 'node', '--eval', SCRIPT]));
  await until(() => script.text().includes(STOPPED), `${pod} does not stand still: ${script.text()}`);
  return {
    succeeded: () => until(() => script.text().includes(SUCCEEDED), `no process took over from ${pod}`),
    async wake() {
      const write = `require('node:fs').writeFileSync('${WAKE_FILE}', '')`;
      await kubectl(['exec', ...inPod, '--', 'node', '--eval', write]);
    },
    async lastWords() {
      await until(log.ended, `${pod} does not end`);
      return log.text();
    },
  };
}

function listen(child: ChildProcess) {
  let text = '';
  let ended = false;
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  child.on('close', () => (ended = true));
  return { text: () => text, ended: () => ended };
}

async function until(holds: () => boolean, otherwise: string): Promise<void> {
  const late = performance.now() + LIMIT_MS;
  while (!holds()) {
    assert.ok(performance.now() < late, otherwise);
    await pause(POLL_MS);
  }
}
