import { cut, duration, holdUps, type StatusRow, statusTable } from '@dpr/client/status-table';
import type { ClusterStatus, WorkerStatus } from '@dpr/client';
import type { View } from '../supervised-cluster.ts';

/**
 * What each process is and does, the Finder first.
 *
 * @param status undefined while the Finder does not answer
 * @param removals how long workers have left that are to be removed, ms
 */
export function rowsOf(
  views: readonly View[],
  status: ClusterStatus | undefined,
  host: string,
  removals: ReadonlyMap<number, number> = new Map(),
): StatusRow[] {
  const undecided = new Set(status?.undecided.map(({ id }) => id));
  const members = membersOf(status);
  return views.map(({ spec, state, waitingFor }) => {
    const worker = 'id' in spec ? spec : undefined;
    const member = worker && members.get(worker.id);
    return {
      id: worker?.id,
      type: worker?.type ?? 'finder',
      address: `${host}:${spec.ports.public}`,
      state:
        removalText(worker && removals.get(worker.id)) ??
        (worker !== undefined && undecided.has(worker.id) ? UNDECIDED : stateText(state.phase, member, waitingFor)),
      member,
      restarts: worker === undefined ? state.restarts : member?.restarts,
    };
  });
}

/** What holds up others, a line each. */
export function notesOf(views: readonly View[], status: ClusterStatus | undefined): string[] {
  const members = membersOf(status);
  return views.flatMap(({ spec, state, waitingFor }) => {
    if (!('id' in spec)) {
      return state.phase === 'silent' ? [`the Finder is silent for ${duration(state.silentMs)}: nothing commits`] : [];
    }
    const member = members.get(spec.id);
    const silentMs = state.silentMs > 0 ? state.silentMs : (member?.silentMs ?? 0);
    const leavingFor = waitingFor === '' ? (member?.waitingFor ?? '') : waitingFor;
    return holdUps([{ id: spec.id, silentMs, waitingFor: leavingFor, blockedBy: member?.blockedBy ?? '' }]);
  });
}

function membersOf(status: ClusterStatus | undefined): ReadonlyMap<number, WorkerStatus> {
  return new Map(status?.workers.map((member) => [member.id, member]));
}

/** Of a worker whose volume keeps earlier generations, and whose entry does not say what it begins with. */
const UNDECIDED = 'needs state: kept or empty';

function removalText(leftMs: number | undefined): string | undefined {
  return leftMs === undefined ? undefined : `to be removed in ${Math.ceil(leftMs / 1_000)} s`;
}

function stateText(phase: View['state']['phase'], member: WorkerStatus | undefined, waitingFor: string): string {
  if (phase === 'silent') return phase;
  if (waitingFor !== '') return 'leaving';
  if (phase === 'idle') return 'stopped';
  if (phase === 'waiting') return 'restarting';
  if (phase === 'serving' && member !== undefined) return member.state;
  return phase;
}

export type Picture = {
  readonly title: string;
  /** Where the console is; undefined where there is none. */
  readonly console?: string | undefined;
  readonly rows: readonly StatusRow[];
  /** What holds up others. */
  readonly notes: readonly string[];
  /** The newest last. */
  readonly events: readonly string[];
};
export type Size = { readonly columns: number; readonly lines: number };

/** Lines for what holds up others. */
const MAX_NOTES = 3;

/** Lines around the table: the title, its column titles, an empty one before the events, and the cursor's own. */
const LINES_AROUND = 4;
const LEAST_EVENTS = 3;
const LEAST_ROWS = 2;

/** The whole picture in a terminal of that size: lines of the table that do not fit are cut, and rows left out in favour of the newest events. */
export function renderPicture({ title, console, rows, notes, events }: Picture, size: Size): string[] {
  const { columns } = size;
  const head = [title, ...(console === undefined ? [] : broken(console, columns))];
  const lines = size.lines - head.length + 1;
  const told = someOf(notes, Math.min(MAX_NOTES, lines - LINES_AROUND - LEAST_EVENTS - LEAST_ROWS));
  const least = LINES_AROUND + told.length + Math.min(events.length, LEAST_EVENTS);
  const room = Math.max(1, lines - least);
  const shown = rows.length > room ? rows.slice(0, room - 1) : rows;
  const hidden = rows.length - shown.length;
  const table = [...statusTable(shown, { columns }), ...(hidden === 0 ? [] : [andMore(hidden)]), ...told];
  const left = Math.max(0, lines - LINES_AROUND - table.length + 1);
  return [...head, ...table, '', ...newestOf(events, columns, left)].map((line) => cut(line, columns));
}

/** All of an address, which is of no use without its end: people put the lines together again. */
function broken(address: string, columns: number): string[] {
  const lines = Array.from({ length: Math.ceil(address.length / columns) }, (_, line) => line * columns);
  return lines.map((from) => address.slice(from, from + columns));
}

/** The newest events for which there is room. They are whole, as what to do is said last; only the very newest may be cut. */
function newestOf(events: readonly string[], columns: number, room: number): readonly string[] {
  let shown: readonly string[] = [];
  for (const event of events.toReversed()) {
    const lines = folded(event, columns);
    if (shown.length === 0 && lines.length > room) {
      return room === 0 ? [] : [...lines.slice(0, room - 1), lines.slice(room - 1).join(' ')];
    }
    if (shown.length + lines.length > room) break;
    shown = [...lines, ...shown];
  }
  return shown;
}

/** A text in lines of no more than that length, of whole words where that can be. */
function folded(text: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > columns) {
    const space = rest.lastIndexOf(' ', columns);
    lines.push(rest.slice(0, space > 0 ? space : columns));
    rest = rest.slice(space > 0 ? space + 1 : columns);
  }
  return [...lines, rest];
}

/** As many as there is room for, and how many there are besides. */
function someOf(notes: readonly string[], room: number): readonly string[] {
  if (notes.length <= room) return notes;
  return room <= 0 ? [] : [...notes.slice(0, room - 1), andMore(notes.length - room + 1)];
}

function andMore(hidden: number): string {
  return `… and ${hidden} more`;
}
