/** Tables and events for people. */
import type { ClusterEvent } from '../operator/events.ts';
import type { PastEvent } from '../operator/past-events.ts';
import type { WorkerInfo } from '../connection/membership.ts';
import type { ClusterStatus } from '../operator/operator.ts';
import { cut, holdUps, statusTable, type TableSpace } from '../operator/status-table.ts';

/** Lines of columns that are as wide as they need to be; numbers to the right. The first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const widths = head.map((_, column) => rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0));
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

/** The world-line, a line for each worker, and what holds up others. */
export function statusText(
  { cluster, worldLine, workers, removed, undecided }: ClusterStatus,
  space: TableSpace,
): string {
  const gone = removed === 0 ? '' : `, ${removed} removed`;
  const title = `cluster ${cluster}, world-line ${worldLine}, ${counted(workers.length)}${gone}`;
  const rows = workers.map((worker) => ({
    ...worker,
    address: worker.port === 0 ? '-' : worker.address,
    member: worker,
  }));
  const body = workers.length === 0 ? [noWorkers(removed)] : [...statusTable(rows, space), ...holdUps(workers)];
  const words = undecided.map(({ text }) => `waits for a word: ${text}`); // whole: they say what to do
  return [...[title, ...body].map((line) => cut(line, space.columns)), ...words].join('\n');
}

function counted(workers: number): string {
  return workers === 1 ? '1 worker' : `${workers} workers`;
}

function noWorkers(removed: number): string {
  if (removed === 0) return 'No worker has joined yet.';
  return `No worker is a member now; ${removed} ${removed === 1 ? 'was' : 'were'} removed.`;
}

/** A worker, and where it serves Redis clients, if that is known. */
export type ShownWorker = WorkerInfo & { readonly resp?: string };

export function workersText(workers: readonly ShownWorker[], columns?: number): string {
  if (workers.length === 0) return 'No worker is a member now.';
  const hasResp = workers.some(({ resp }) => resp !== undefined);
  const rows = workers.map(({ id, type, generation, address, resp = '', leaving }) => [
    ...[String(id), type, String(generation), address],
    ...(hasResp ? [resp] : []),
    leaving ? 'leaving' : '',
  ]);
  const head = ['ID', 'TYPE', 'GEN', 'ADDRESS', ...(hasResp ? ['REDIS CLIENTS'] : []), ''];
  const lines = table([head, ...rows]).split('\n');
  return lines.map((line) => cut(line, columns)).join('\n');
}

/** When it happened, by this machine's clock. */
export function timeOf({ agoMs }: PastEvent, now: number): string {
  return new Date(now - agoMs).toISOString();
}

/** Maps become objects, for JSON. */
export function eventJson(event: ClusterEvent): string {
  return JSON.stringify(event.kind === 'cut' ? { ...event, advanced: Object.fromEntries(event.advanced) } : event);
}
