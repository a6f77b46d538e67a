import type { ClusterStatus } from '@dpr/client';
import { reachable } from '@dpr/infra/plan';
import type { LocalEvent } from '../events.ts';
import type { View } from '../supervised-cluster.ts';
import type { Options } from '../options.ts';
import { calmLines } from './repeated-ends.ts';
import { notesOf, renderPicture, rowsOf } from './picture.ts';

/** What is shown of the cluster, again and again. */
export type Snapshot = {
  readonly views: readonly View[];
  /** Undefined while the Finder does not answer. */
  readonly status: ClusterStatus | undefined;
  /** How long workers have left that are to be removed, ms. */
  readonly removals: ReadonlyMap<number, number>;
};

/** Where the cluster's status and events go. */
export interface Show {
  event(event: LocalEvent): void;
  snapshot(snapshot: Snapshot): void;
}

/** Where text goes: standard output. */
export type Output = {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

const KEPT_EVENTS = 8;
const DEFAULT_COLUMNS = 120;
const DEFAULT_LINES = 30;

/** The one for this output: JSON lines where they are asked for, a picture on a terminal, plain lines anywhere else. */
export function chooseShow({ json, host, config }: Options, output: Output): Show {
  const at = reachable(host);
  if (json) return jsonShow(output, at);
  return output.isTTY ? terminalShow(output, `DPR cluster of ${config}`, at) : plainShow(output);
}

/** One line per event. */
export function plainShow(output: Output): Show {
  return {
    event: calmLines((text) => output.write(`${clock()} ${text}\n`)),
    snapshot: () => undefined,
  };
}

/** One JSON object per event, and one with `"event": "status"` whenever the world-line or the state of a process changed. */
export function jsonShow(output: Output, host: string): Show {
  let before = '';
  const print = (content: object) =>
    output.write(`${JSON.stringify({ time: new Date().toISOString(), ...content })}\n`);
  return {
    event: print,
    snapshot({ views, status }) {
      const processes = rowsOf(views, status, host).map(({ type, id, member, address, state }, index) => {
        const worker = id === undefined ? {} : { id, generation: member?.generation ?? null };
        const view = views[index];
        return { process: view?.spec.name, type, ...worker, address, state, restarts: view?.state.restarts };
      });
      const content = { event: 'status', worldLine: status?.worldLine ?? null, processes };
      const text = JSON.stringify(content);
      if (text !== before) print(content);
      before = text;
    },
  };
}

/** A picture that is redrawn in its place, the newest events below it. */
export function terminalShow(output: Output, title: string, host: string): Show {
  let last: Snapshot = { views: [], status: undefined, removals: new Map() };
  let events: string[] = [];
  let console: string | undefined;
  let drawn = 0;

  function draw(): void {
    const { columns = DEFAULT_COLUMNS, rows: lines = DEFAULT_LINES } = output;
    const worldLine = last.status === undefined ? 'Finder away' : `world-line ${last.status.worldLine}`;
    const rows = rowsOf(last.views, last.status, host, last.removals);
    const notes = notesOf(last.views, last.status);
    const size = { columns, lines };
    const picture = renderPicture({ title: `${title} · ${worldLine}`, console, rows, notes, events }, size);
    const back = drawn === 0 ? '' : `\x1b[${Math.min(drawn, lines - 1)}A`;
    output.write(`${back}\r\x1b[J${picture.join('\n')}\n`);
    drawn = picture.length;
  }

  const line = calmLines((text) => {
    const told = text.split('\n');
    events = [...events, ...told.map((line, index) => (index === 0 ? `${clock()} ${line}` : line))];
    events = events.slice(-Math.max(KEPT_EVENTS, told.length));
    draw();
  });
  return {
    event(event) {
      if (event.event === 'console') console = event.address;
      else line(event);
    },
    snapshot(snapshot) {
      last = snapshot;
      draw();
    },
  };
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}
