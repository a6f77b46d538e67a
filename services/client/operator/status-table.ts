/** The table of STATUS as people see it, in `dpr status` and in the picture of `npm start`, and how numbers are written in it. */
import type { MemberStatus } from '@dpr/protocol';

/** What the table shows of the Finder or of a worker. */
export interface StatusRow {
  /** Undefined: the Finder. */
  readonly id: number | undefined;
  readonly type: string;
  readonly address: string;
  readonly state: string;
  /** What the Finder tells of a worker; undefined while it tells nothing. */
  readonly member: MemberProgress | undefined;
  /** Undefined: not known now. */
  readonly restarts: number | undefined;
}

type MemberProgress = Pick<
  MemberStatus,
  | 'generation'
  | 'committed'
  | 'allCommitted'
  | 'committedAgoMs'
  | 'durable'
  | 'durableAgoMs'
  | 'lagOperations'
  | 'lagMs'
>;

export interface TableSpace {
  /** How many characters fit in a line; undefined: any number. */
  readonly columns?: number | undefined;
}

type Column = {
  readonly title: string;
  readonly right?: true;
  /** Where there is little room those with the largest number give way first. */
  readonly givesWay?: number;
  readonly text: (row: StatusRow) => string;
};

const COLUMNS: readonly Column[] = [
  { title: 'ID', right: true, text: ({ id }) => (id === undefined ? '' : String(id)) },
  { title: 'TYPE', text: ({ type }) => (type === '' ? '-' : type) },
  { title: 'GEN', right: true, givesWay: 3, text: ({ member }) => (member ? String(member.generation) : '') },
  { title: 'ADDRESS', givesWay: 1, text: ({ address }) => address.replace(/^ws:\/\//, '') },
  { title: 'STATE', text: ({ state }) => state },
  { title: 'COMMITTED', right: true, text: ({ member }) => (member ? committed(member) : '') },
  { title: 'DURABLE', right: true, givesWay: 4, text: ({ member }) => (member ? durable(member) : '') },
  { title: 'LAG', right: true, text: ({ member }) => (member ? lag(member) : '') },
  {
    title: 'RESTARTS',
    right: true,
    givesWay: 2,
    text: ({ restarts }) => (restarts === undefined ? '' : count(restarts)),
  },
];

const GAP = '  ';

/** The rows under their titles. What does not fit into the line gives way, and what still does not is cut. */
export function statusTable(rows: readonly StatusRow[], { columns = Infinity }: TableSpace = {}): string[] {
  const filled = COLUMNS.map((column) => ({
    ...column,
    cells: [column.title, ...rows.map((row) => column.text(row))],
  }));
  const sized = filled.map((column) => ({
    ...column,
    width: column.cells.reduce((width, { length }) => Math.max(width, length), 0),
  }));
  const shown = [...sized];
  const widthOf = () => shown.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length);
  for (const first of sized.filter(({ givesWay }) => givesWay !== undefined).sort(byGivingWay)) {
    if (widthOf() <= columns) break;
    shown.splice(shown.indexOf(first), 1);
  }
  return [undefined, ...rows].map((_, line) => {
    const cells = shown.map(({ cells, width, right }) => {
      const cell = cells[line] ?? '';
      return right ? cell.padStart(width) : cell.padEnd(width);
    });
    return cut(cells.join(GAP).trimEnd(), columns);
  });
}

function byGivingWay(a: Column, b: Column): number {
  return (b.givesWay ?? 0) - (a.givesWay ?? 0);
}

/** When something was committed last, and whether that was all. */
function committed({ committed, allCommitted, committedAgoMs }: MemberProgress): string {
  if (committed === 0) return '-';
  const when = committedAgoMs === undefined ? undefined : `${duration(committedAgoMs)} ago`;
  return allCommitted ? ['all', ...(when === undefined ? [] : [when])].join(', ') : (when ?? '?');
}

/** When something became durable last. */
function durable({ durable, durableAgoMs }: MemberProgress): string {
  if (durable === 0) return '-';
  return durableAgoMs === undefined ? '?' : `${duration(durableAgoMs)} ago`;
}

/** Of a worker that does not answer, and may have executed something, it is not known. */
function lag({ allCommitted, lagOperations, lagMs }: MemberProgress): string {
  if (lagOperations === 0) return allCommitted ? '0' : '?';
  return `${count(lagOperations)} ${lagOperations === 1 ? 'op' : 'ops'}, ${duration(lagMs)}`;
}

/** What holds up others, a line each: workers that do not answer, those of which nothing commits, and those that are leaving. */
export function holdUps(
  workers: readonly Pick<MemberStatus, 'id' | 'silentMs' | 'waitingFor' | 'blockedBy'>[],
): string[] {
  return workers.flatMap(({ id, silentMs, waitingFor, blockedBy }) => [
    ...(silentMs > 0 ? [`worker ${id} is silent for ${duration(silentMs)}: nothing that depends on it commits`] : []),
    ...(blockedBy === '' || waitingFor !== '' ? [] : [`worker ${id} commits nothing; it waits for ${blockedBy}`]),
    ...(waitingFor === '' ? [] : [`worker ${id} is leaving; it waits for ${waitingFor}`]),
  ]);
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
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** The line, as much of it as fits. */
export function cut(line: string, columns = Infinity): string {
  return line.length > columns ? `${line.slice(0, Math.max(0, columns - 1))}…` : line;
}
