/** Ports for a cluster that must not disturb another one. */
import { createServer } from 'node:net';
import { adminPort, CONTROL_PORT_OFFSET, publicPort } from '@dpr/infra/plan';

/** All of a cluster's ports from these on lie below those that systems hand out for outgoing connections. */
const FIRST_BASE_PORT = 10_000;
const LAST_BASE_PORT = 12_500;
const MAX_ATTEMPTS = 50;

/**
 * A base port whose cluster of so many workers, with ids from 0, finds all its ports free at this machine's own address.
 * @throws Error when none is found
 */
export async function freeBasePort(workers: number): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const basePort = FIRST_BASE_PORT + Math.floor(Math.random() * (LAST_BASE_PORT - FIRST_BASE_PORT));
    const free = await Promise.all(portsOf(basePort, workers).map(isFree));
    if (free.every(Boolean)) return basePort;
  }
  throw new Error(`no free ports were found from ${FIRST_BASE_PORT} on for a cluster of ${workers} workers`);
}

function portsOf(basePort: number, workers: number): number[] {
  const ports = Array.from({ length: workers }, (_, id) => publicPort(basePort, { id }));
  return [basePort, ...ports].flatMap((port) => [port, adminPort(port)]).concat(basePort + CONTROL_PORT_OFFSET);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
