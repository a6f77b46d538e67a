import type { LocalWorker } from '@dpr/infra/plan';
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import type { View } from '../cluster.ts';

/** One row of the status: the Finder, or a worker. */
export type Row = {
  readonly id: string;
  readonly type: string;
  readonly generation: string;
  readonly address: string;
  readonly state: string;
  readonly executed: string;
  readonly durable: string;
  readonly committed: string;
  readonly lag: string;
  readonly restarts: string;
};

const COLUMNS: readonly { readonly key: keyof Row; readonly title: string; readonly right?: true }[] = [
  { key: 'id', title: 'ID', right: true },
  { key: 'type', title: 'TYPE' },
  { key: 'generation', title: 'GEN', right: true },
  { key: 'address', title: 'ADDRESS' },
  { key: 'state', title: 'STATE' },
  { key: 'executed', title: 'EXECUTED', right: true },
  { key: 'durable', title: 'DURABLE', right: true },
  { key: 'committed', title: 'COMMITTED', right: true },
  { key: 'lag', title: 'LAG', right: true },
  { key: 'restarts', title: 'RESTARTS', right: true },
];

/**
 * What each process is and does, the Finder first.
 *
 * @param status undefined while the Finder does not answer
 */
export function rowsOf(views: readonly View[], status: ClusterStatus | undefined, host: string): Row[] {
  const members = new Map(status?.workers.map((member) => [member.id, member]));
  return views.map(({ spec, state, waitingFor }) => {
    const worker = 'id' in spec ? spec : undefined;
    const member = worker && members.get(worker.id);
    return {
      ...positionOf(worker, member),
      address: `${host}:${spec.ports.public}`,
      state: stateText(state.phase, member, waitingFor),
      restarts: String(state.restarts),
    };
  });
}

/** What the Finder knows of a worker; of itself and of one that is no member there is nothing to tell. */
function positionOf(worker: LocalWorker | undefined, member: WorkerStatus | undefined) {
  const version = (key: 'generation' | 'executed' | 'durable' | 'committed') =>
    member === undefined ? '' : String(member[key]);
  return {
    id: worker === undefined ? '' : String(worker.id),
    type: worker?.type ?? 'finder',
    generation: version('generation'),
    executed: version('executed'),
    durable: version('durable'),
    committed: version('committed'),
    lag: member === undefined ? '' : lagText(member),
  };
}

function lagText({ lagOperations, lagMs }: WorkerStatus): string {
  return lagOperations === 0 ? '0' : `${lagOperations} / ${lagMs} ms`;
}

function stateText(phase: View['state']['phase'], member: WorkerStatus | undefined, waitingFor: string): string {
  if (waitingFor !== '') return `leaving, waits for ${waitingFor}`;
  if (phase === 'idle') return 'stopped';
  if (phase === 'waiting') return 'restarting';
  if (phase === 'serving' && member !== undefined) return member.state;
  return phase;
}

/** The rows under their titles, each column as wide as it has to be. */
export function renderTable(rows: readonly Row[]): string[] {
  const titles = Object.fromEntries(COLUMNS.map(({ key, title }) => [key, title])) as Row;
  const all = [titles, ...rows];
  const widths = COLUMNS.map(({ key }) => Math.max(...all.map((row) => row[key].length)));
  return all.map((row) =>
    COLUMNS.map(({ key, right }, index) => {
      const width = widths[index] ?? 0;
      return right ? row[key].padStart(width) : row[key].padEnd(width);
    })
      .join('  ')
      .trimEnd(),
  );
}

export type Picture = {
  readonly title: string;
  readonly rows: readonly Row[];
  /** The newest last. */
  readonly events: readonly string[];
};
export type Size = { readonly columns: number; readonly lines: number };

/** Lines around the table: the title, its column titles, an empty one before the events, and the cursor's own. */
const LINES_AROUND = 4;
const LEAST_EVENTS = 3;

/** The whole picture in a terminal of that size: what does not fit is cut, rows in favour of the newest events. */
export function renderPicture({ title, rows, events }: Picture, { columns, lines }: Size): string[] {
  const room = Math.max(1, lines - LINES_AROUND - Math.min(events.length, LEAST_EVENTS));
  const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
  const hidden = rows.length - shown.length;
  const table = [...renderTable(shown), ...(hidden === 0 ? [] : [`… and ${hidden} more`])];
  const left = Math.max(0, lines - LINES_AROUND - table.length + 1);
  const newest = left === 0 ? [] : events.slice(-left);
  return [title, ...table, '', ...newest].map((line) => cut(line, columns));
}

function cut(line: string, columns: number): string {
  return line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line;
}
