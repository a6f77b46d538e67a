/** Tables and numbers for people. Versions are large numbers in milliseconds, so they are shown by how far apart they are. */
import type { ClusterEvent } from '../events.ts';
import type { WorkerInfo } from '../membership.ts';
import type { ClusterStatus } from '../operator.ts';

/** Lines of columns that are as wide as they need to be; numbers to the right. The first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const isNumeric = head.map(
    (_, column) => body.length > 0 && body.every((row) => /^[+-]?[\d,]*$/.test(row[column] ?? '')),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        isNumeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

/** 1234567 as 1,234,567, wherever the program runs. */
export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A duration in the unit that suits it. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** The world-line, and a line for each worker: the committed version, and how far durable and executed are ahead of it. */
export function statusText({ cluster, worldLine, workers, removed }: ClusterStatus): string {
  const gone = removed === 0 ? '' : `, ${removed} removed`;
  const title = `cluster ${cluster}, world-line ${worldLine}, ${workers.length} workers${gone}`;
  if (workers.length === 0) return `${title}\nNo worker has joined yet.`;
  const head = [
    'ID',
    'TYPE',
    'GEN',
    'ADDRESS',
    'STATE',
    'COMMITTED',
    'DURABLE',
    'EXECUTED',
    'LAG (OPS)',
    'LAG (TIME)',
    'RESTARTS',
  ];
  const rows = workers.map((worker) => [
    String(worker.id),
    worker.type === '' ? '-' : worker.type,
    String(worker.generation),
    worker.port === 0 ? '-' : worker.address,
    worker.state,
    String(worker.committed),
    ahead(worker.durable, worker.committed),
    // The open version counts once something executed in it.
    ahead(worker.lagOperations === 0 ? worker.durable : worker.executed, worker.committed),
    count(worker.lagOperations),
    duration(worker.lagMs),
    String(worker.restarts),
  ]);
  const waits = workers
    .filter(({ waitingFor }) => waitingFor !== '')
    .map(({ id, waitingFor }) => `worker ${id} is leaving; it waits for ${waitingFor}`);
  return [title, table([head, ...rows]), ...waits].join('\n');
}

/** Further apart than any lag: a version that was set by the clock, and one that was not yet. */
const UNRELATED = 1_000_000_000;

/** How far a version is above the committed one. */
function ahead(version: number, committed: number): string {
  const by = Math.max(0, version - committed);
  return by < UNRELATED ? `+${count(by)}` : String(version);
}

export function workersText(workers: readonly WorkerInfo[]): string {
  if (workers.length === 0) return 'No worker has joined yet.';
  const rows = workers.map(({ id, type, generation, address, leaving }) => [
    String(id),
    type,
    String(generation),
    address,
    leaving ? 'leaving' : '',
  ]);
  return table([['ID', 'TYPE', 'GEN', 'ADDRESS', ''], ...rows]);
}

export function eventText(event: ClusterEvent): string {
  switch (event.kind) {
    case 'joined':
      return `worker ${event.worker} joined (${event.type}, generation ${event.generation})`;
    case 'restarted':
      return `worker ${event.worker} was restarted (${event.restarts} times in all)`;
    case 'leaving':
      return `worker ${event.worker} is leaving`;
    case 'left':
      return `worker ${event.worker} left`;
    case 'rolledBack':
      return `rollback: world-line ${event.worldLine} began; what was not committed in ${event.from} is lost`;
    case 'cut':
      return `committed: ${[...event.advanced].map(([id, { version, by }]) => `worker ${id} ${version} (+${count(by)})`).join(', ')}`;
  }
}

/** Maps become objects, for JSON. */
export function eventJson(event: ClusterEvent): string {
  return JSON.stringify(event.kind === 'cut' ? { ...event, advanced: Object.fromEntries(event.advanced) } : event);
}
