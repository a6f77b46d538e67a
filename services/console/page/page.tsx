/** The page from top to bottom. */
import { useState } from 'preact/hooks';
import { Charts } from './charts.tsx';
import { EventLog } from './event-log.tsx';
import { FinderDialog } from './finder-dialog.tsx';
import type { View } from './model.ts';
import { Tiles } from './tiles.tsx';
import { VerdictBanner } from './verdict.tsx';
import { WorkerTable } from './worker-table.tsx';

export interface PageProps {
  /** Undefined until the server said hello. */
  readonly view: View | undefined;
  /** For how long the console has not answered; undefined while it is live. */
  readonly silentS: number | undefined;
}

export function Page({ view, silentS }: PageProps) {
  const [isFinderOpen, setIsFinderOpen] = useState(false);
  if (view === undefined) return <Connecting silentS={silentS} />;
  const { title, can, now } = view;
  const hasActions = can.injectFaults && now.finder.process !== undefined;
  return (
    <div class={silentS === undefined ? 'page' : 'page stale'}>
      <header>
        <strong>{title}</strong>
        {now.cluster !== undefined && (
          <span class="cluster" title={now.cluster}>
            {now.cluster.slice(0, 8)}
          </span>
        )}
        <Connection silentS={silentS} />
      </header>
      <main>
        <VerdictBanner verdict={now.verdict} at={now.at} silentS={silentS} />
        <Tiles now={now} openFinder={hasActions ? () => setIsFinderOpen(true) : undefined} />
        {isFinderOpen && <FinderDialog finder={now.finder} can={can} close={() => setIsFinderOpen(false)} />}
        <Charts history={view.history} rollbacks={view.rollbacks} />
        <WorkerTable workers={now.workers} at={now.workersAt} can={can} />
        <EventLog events={view.events} />
      </main>
    </div>
  );
}

function Connection({ silentS }: Pick<PageProps, 'silentS'>) {
  return silentS === undefined ? (
    <span class="connection live">live</span>
  ) : (
    <span class="connection">{`reconnecting: no answer for ${silentS} s`}</span>
  );
}

function Connecting({ silentS }: Pick<PageProps, 'silentS'>) {
  return (
    <main class="connecting">
      <h1>{silentS === undefined ? 'Connecting…' : `The console has not answered for ${silentS} s.`}</h1>
    </main>
  );
}
