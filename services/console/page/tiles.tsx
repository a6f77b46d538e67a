/** The cluster in six numbers. */
import { count, duration } from '@dpr/client/status-table';
import type { ComponentChildren } from 'preact';
import type { FinderView, Level, Update, WorkerView } from '../messages.ts';
import { LevelSign } from './level.tsx';

export interface TilesProps {
  readonly now: Update;
  /** Undefined where there is nothing to be done to the Finder. */
  readonly openFinder: (() => void) | undefined;
}

export function Tiles({ now, openFinder }: TilesProps) {
  const { at, worldLine, worldLineSince, workers, sample, rollbacks, lostOperations, finder, workersAt } = now;
  const age = worldLineSince === undefined ? 'no rollback is known' : `for ${duration(at - worldLineSince)}`;
  const isOld = workersAt !== undefined;
  return (
    <section class="tiles" aria-label="Overview">
      <Tile
        title="World-line"
        value={worldLine === undefined ? '–' : count(worldLine)}
        note={worldLine === undefined ? '' : age}
      />
      <Tile title="Workers" value={count(workers.length)} note={byState(workers)} isOld={isOld} />
      <Tile title="Worst commit lag" value={known(sample.lagMs, duration)} note={worstLag(workers)} isOld={isOld} />
      <Tile
        title="Operations per second"
        value={known(sample.rate, (rate) => count(Math.round(rate)))}
        note={rates(workers)}
      />
      <Tile title="Rollbacks" value={count(rollbacks)} note={`took back about ${count(lostOperations)} operations`} />
      <Tile
        title="Finder"
        value={
          <>
            <LevelSign level={FINDER_LEVELS[finder.state]} /> {FINDER_WORDS[finder.state]}
          </>
        }
        note={finder.text === '' ? finder.process?.name : finder.text}
      >
        {openFinder && (
          <button type="button" class="more" aria-label="Finder: details and actions" onClick={openFinder}>
            ⋯
          </button>
        )}
      </Tile>
    </section>
  );
}

export const FINDER_WORDS: Readonly<Record<FinderView['state'], string>> = {
  unknown: 'Not known yet',
  serving: 'Serving',
  away: 'Away',
  refusing: 'Refusing',
  refusesConsole: 'Refuses this console',
};

const FINDER_LEVELS: Readonly<Record<FinderView['state'], Level>> = {
  unknown: 'warning',
  serving: 'well',
  away: 'critical',
  refusing: 'critical',
  refusesConsole: 'critical',
};

interface TileProps {
  readonly title: string;
  readonly value: ComponentChildren;
  readonly note: ComponentChildren;
  /** It was so, and is not known now. */
  readonly isOld?: boolean;
  readonly children?: ComponentChildren;
}

function Tile({ title, value, note, isOld = false, children }: TileProps) {
  return (
    <div class={isOld ? 'tile old' : 'tile'}>
      <h2>{title}</h2>
      <p class="value">{value}</p>
      <p class="note">{note}</p>
      {children}
    </div>
  );
}

function known(value: number | undefined, text: (value: number) => string): string {
  return value === undefined ? '–' : text(value);
}

/** "6 serving, 1 away", from the usual to the rare. */
function byState(workers: readonly WorkerView[]): string {
  const states = new Map<string, number>();
  for (const { state } of workers) states.set(state, (states.get(state) ?? 0) + 1);
  return [...states]
    .sort(([, a], [, b]) => b - a)
    .map(([state, number]) => `${count(number)} ${state}`)
    .join(', ');
}

function worstLag(workers: readonly WorkerView[]): string {
  const uncommitted = workers.reduce((sum, { lagOperations }) => sum + lagOperations, 0);
  return `${count(uncommitted)} uncommitted`;
}

function rates(workers: readonly WorkerView[]): string {
  const telling = workers.filter(({ rate }) => rate !== undefined).length;
  return telling === workers.length ? 'of all workers' : `of ${count(telling)} of ${count(workers.length)} workers`;
}
