/** The bare transport, as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Peer, PeerOptions } from './peer.ts';

const ECHO_PROGRAM = [process.execPath, path.join(import.meta.dirname, 'bench-echo.js')];

export async function startEcho({ pin, signal }: PeerOptions): Promise<Peer> {
  const [program = '', ...words] = [...pin, ...ECHO_PROGRAM];
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const gone = once(child, 'exit');
  const [said] = (await Promise.race([
    once(child.stdout, 'data', { signal }),
    gone.then(() => Promise.reject(new Error('the echo server ended at once'))),
  ])) as [Buffer];
  return {
    name: 'bare ws',
    kind: 'echo',
    isWatched: true,
    address: said.toString().trim(),
    pids: child.pid === undefined ? [] : [child.pid],
    async stop() {
      child.stdin.end();
      await gone;
    },
  };
}
