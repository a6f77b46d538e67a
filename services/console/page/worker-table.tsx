/** The workers, worst first. Only the rows in sight are in the document, so that a thousand cost no more than twenty. */
import { count } from '@dpr/client/status-table';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Hello, WorkerView } from '../messages.ts';
import { clock } from './format.ts';
import { rowsInSight, type Sight } from './virtual-rows.ts';
import { WorkerDialog } from './worker-dialog.tsx';
import { matching } from './worker-filter.ts';
import { COLUMNS, WorkerRow } from './worker-row.tsx';

export interface WorkerTableProps {
  readonly workers: readonly WorkerView[];
  /** When they were so, ms since 1970, where that is not how they are now. */
  readonly at: number | undefined;
  readonly can: Hello['can'];
}

export function WorkerTable({ workers, at, can }: WorkerTableProps) {
  const [query, setQuery] = useState('');
  const [opened, setOpened] = useState<WorkerView>();
  const found = matching(workers, query);
  const now = workers.find((worker) => isSame(worker, opened));
  return (
    <section class={at === undefined ? 'panel workers' : 'panel workers old'} aria-labelledby="workers-title">
      <div class="heading">
        <h2 id="workers-title">{at === undefined ? 'Workers' : `Workers as of ${clock(at)}`}</h2>
        <p role="status">{query.trim() === '' ? '' : `${count(found.length)} of ${count(workers.length)}`}</p>
        <input
          type="search"
          aria-label="Search workers by id, type, state, address or trouble"
          placeholder="Search workers"
          value={query}
          onInput={({ currentTarget }) => setQuery(currentTarget.value)}
        />
      </div>
      <Rows workers={found} isOld={at !== undefined} open={setOpened} />
      {found.length === 0 && (
        <p class="nothing">{workers.length === 0 ? 'No worker is known.' : 'No worker matches.'}</p>
      )}
      {opened && (
        <WorkerDialog
          worker={now ?? opened}
          isMember={now !== undefined}
          can={can}
          close={() => setOpened(undefined)}
        />
      )}
    </section>
  );
}

function isSame(worker: WorkerView, other: WorkerView | undefined): boolean {
  return worker.id === other?.id && worker.generation === other.generation;
}

interface RowsProps {
  readonly workers: readonly WorkerView[];
  readonly isOld: boolean;
  readonly open: (worker: WorkerView) => void;
}

function Rows({ workers, isOld, open }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState<Omit<Sight, 'count'>>({ rowPx: 40, scrolledPx: 0, heightPx: 400 });
  const hadFocus = scroller.current?.contains(document.activeElement) === true;
  const { first, last, beforePx, afterPx } = rowsInSight({ ...sight, count: workers.length });

  const look = (): void => {
    const element = scroller.current;
    if (element !== null) setSight(sightOf(element));
  };
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const resizes = new ResizeObserver(look);
    resizes.observe(element);
    return () => resizes.disconnect();
  }, []);
  useLayoutEffect(() => {
    // A row that had the focus and is scrolled away would leave the keyboard nowhere.
    if (hadFocus && document.activeElement === document.body) scroller.current?.focus({ preventScroll: true });
  });

  return (
    <div
      class="rows"
      ref={scroller}
      tabIndex={0}
      role="table"
      aria-labelledby="workers-title"
      aria-rowcount={workers.length + 1}
      onScroll={look}
    >
      <Titles />
      <div role="rowgroup" style={{ paddingTop: `${beforePx}px`, paddingBottom: `${afterPx}px` }}>
        {workers.slice(first, last).map((worker, index) => (
          <WorkerRow
            key={`${worker.id}/${worker.generation}`}
            worker={worker}
            isOld={isOld}
            rowIndex={first + index + 2}
            open={open}
          />
        ))}
      </div>
    </div>
  );
}

function Titles() {
  return (
    <div role="rowgroup" class="titles">
      <div role="row" class="row" aria-rowindex={1}>
        {COLUMNS.map(({ name, title }) => (
          <div key={name} role="columnheader" class={name}>
            {title}
          </div>
        ))}
        <div role="columnheader" class="action">
          <span class="unseen">Actions</span>
        </div>
      </div>
    </div>
  );
}

/** How high a row is depends on the width: the styles say it. */
function sightOf(element: HTMLElement): Omit<Sight, 'count'> {
  const rowPx = parseFloat(getComputedStyle(element).getPropertyValue('--row-height'));
  return { rowPx, scrolledPx: element.scrollTop, heightPx: element.clientHeight };
}
