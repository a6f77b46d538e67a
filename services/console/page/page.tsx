/** The page from top to bottom. */
import { useState } from 'preact/hooks';
import { Charts } from './charts.tsx';
import { EventLog } from './event-log.tsx';
import { FinderDialog } from './finder-dialog.tsx';
import type { Doubt } from './freshness.ts';
import type { View } from './model.ts';
import { Tiles } from './tiles.tsx';
import { VerdictBanner } from './verdict.tsx';
import { WorkerTable } from './worker-table.tsx';

export interface PageProps {
  /** Undefined until the server said hello. */
  readonly view: View | undefined;
  /** Why what is shown may be old; undefined while it is live. */
  readonly doubt: Doubt | undefined;
}

export function Page({ view, doubt }: PageProps) {
  const [isFinderOpen, setIsFinderOpen] = useState(false);
  if (view === undefined) return <Connecting doubt={doubt} />;
  const { title, can, now } = view;
  const hasActions = can.injectFaults && now.finder.process !== undefined;
  return (
    <div class={doubt === undefined ? 'page' : 'page stale'}>
      <header>
        <strong>{title}</strong>
        {now.cluster !== undefined && (
          <span class="cluster" title={now.cluster}>
            {now.cluster.slice(0, 8)}
          </span>
        )}
        <Connection doubt={doubt} />
      </header>
      <main>
        <VerdictBanner verdict={now.verdict} at={now.at} doubt={doubt} />
        <Tiles now={now} openFinder={hasActions ? () => setIsFinderOpen(true) : undefined} />
        {isFinderOpen && <FinderDialog finder={now.finder} can={can} close={() => setIsFinderOpen(false)} />}
        <Charts history={view.history} rollbacks={view.rollbacks} />
        <WorkerTable workers={now.workers} at={now.workersAt} can={can} />
        <EventLog events={view.events} />
      </main>
    </div>
  );
}

function Connection({ doubt }: Pick<PageProps, 'doubt'>) {
  return doubt === undefined ? (
    <span class="connection live">live</span>
  ) : (
    <span class="connection">{doubt.label}</span>
  );
}

function Connecting({ doubt }: Pick<PageProps, 'doubt'>) {
  return (
    <main class="connecting">
      <h1>{doubt?.text ?? 'Connecting…'}</h1>
    </main>
  );
}
