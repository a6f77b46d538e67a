/** `kubectl port-forward`, as people reach what only the cluster serves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface PortForward {
  /** Of this machine. */
  readonly port: number;
  readonly end: () => Promise<void>;
}

/** @param target such as `service/dpr-console` @param port of the target */
export async function portForward(namespace: string, target: string, port: number): Promise<PortForward> {
  const words = ['port-forward', '--namespace', namespace, target, `:${port}`];
  const child = spawn('kubectl', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await Promise.race([lines.next(), closed.then(() => undefined)]);
  const forwarded = /127\.0\.0\.1:(\d+) ->/.exec(String(first?.value))?.[1];
  if (forwarded === undefined) throw new Error(`kubectl ${words.join(' ')}: ${errors}`);
  return {
    port: Number(forwarded),
    async end() {
      child.kill();
      await closed;
    },
  };
}
