/** One worker in the table. */
import { count } from '@dpr/client/status-table';
import type { ComponentChildren } from 'preact';
import type { WorkerView } from '../messages.ts';
import { bytes, committed, lag, workerName } from './format.ts';
import { LevelSign } from './level.tsx';
import { sparkline } from './sparkline.ts';

const SPARK = { width: 60, height: 16 };

interface Column {
  /** Also the name of its style. */
  readonly name: string;
  readonly title: string;
  /** @param isOld the worker was so, and how it is now is not known */
  readonly content: (worker: WorkerView, isOld: boolean) => ComponentChildren;
}

export const COLUMNS: readonly Column[] = [
  { name: 'id', title: 'Id', content: ({ id }) => id },
  { name: 'type', title: 'Type', content: ({ type }) => type || '–' },
  { name: 'state', title: 'State', content: state },
  { name: 'committed', title: 'Committed', content: committed },
  { name: 'lag', title: 'Lag', content: lag },
  { name: 'rate', title: 'Ops/s', content: rate },
  {
    name: 'size',
    title: 'State size',
    content: ({ stateBytes }) => (stateBytes === undefined ? '–' : bytes(stateBytes)),
  },
  { name: 'restarts', title: 'Restarts', content: ({ restarts }) => count(restarts) },
  { name: 'trouble', title: 'Trouble', content: ({ trouble }) => trouble },
];

export interface WorkerRowProps {
  readonly worker: WorkerView;
  /** The worker was so, and how it is now is not known. */
  readonly isOld: boolean;
  /** Among all that the search leaves, from 1; the titles are row 1. */
  readonly rowIndex: number;
  readonly open: (worker: WorkerView) => void;
}

export function WorkerRow({ worker, isOld, rowIndex, open }: WorkerRowProps) {
  return (
    <div role="row" class={`row ${worker.level}`} aria-rowindex={rowIndex}>
      {COLUMNS.map(({ name, title, content }) => (
        <div
          key={name}
          role="cell"
          class={name}
          data-title={title}
          title={name === 'trouble' ? worker.trouble : undefined}
        >
          {content(worker, isOld)}
        </div>
      ))}
      <div role="cell" class="action">
        <button
          type="button"
          class="more"
          aria-label={`${workerName(worker)}: details and actions`}
          onClick={() => open(worker)}
        >
          ⋯
        </button>
      </div>
    </div>
  );
}

function state({ state, level }: WorkerView, isOld: boolean) {
  return (
    <>
      <LevelSign level={isOld ? 'unknown' : level} /> {state}
    </>
  );
}

function rate({ rate, rates }: WorkerView) {
  if (rate === undefined) return '–';
  return (
    <>
      <svg class="spark" viewBox={`0 -1 ${SPARK.width} ${SPARK.height + 2}`} aria-hidden="true">
        <path d={sparkline(rates, SPARK.width, SPARK.height)} />
      </svg>
      <span>{count(Math.round(rate))}</span>
    </>
  );
}
