/** What the page knows: the server's last word, and the past that goes with it. Pure. */
import { MAX_EVENTS } from '../event-log.ts';
import { createHistory, type History } from '../history.ts';
import type { ConsoleEvent, Hello, Sample, Update } from '../messages.ts';

/** More lines than this are a filled area in a chart. */
export const MAX_ROLLBACK_LINES = 200;

/** What one rendering shows. */
export interface View {
  readonly title: string;
  readonly can: Hello['can'];
  readonly now: Update;
  /** Oldest first. */
  readonly history: readonly Sample[];
  /** By when they happened, newest first: what the Finder remembers may be told after what happened later. */
  readonly events: readonly ConsoleEvent[];
  /** When rollbacks were, ms since 1970, oldest first; also those whose events the log has dropped. */
  readonly rollbacks: readonly number[];
}

export interface Model {
  /** Everything anew, after each connection. */
  readonly welcome: (hello: Hello) => void;
  readonly update: (update: Update) => void;
  /** Undefined until the server said hello. */
  readonly view: () => View | undefined;
}

export function createModel(): Model {
  let hello: Hello | undefined;
  let now: Update | undefined;
  let history: History = createHistory();
  let events: readonly ConsoleEvent[] = [];
  let rollbacks: readonly number[] = [];
  let newest = -Infinity;

  function add(later: readonly ConsoleEvent[]): void {
    const added = later.filter(({ number }) => number > newest);
    if (added.length === 0) return;
    newest = added.reduce((most, { number }) => Math.max(most, number), newest);
    events = [...events, ...added].sort((a, b) => b.at - a.at || b.number - a.number).slice(0, MAX_EVENTS);
    const times = added.filter(({ isRollback }) => isRollback).map(({ at }) => at);
    rollbacks = [...rollbacks, ...times].sort((a, b) => a - b).slice(-MAX_ROLLBACK_LINES);
  }

  return {
    welcome(said) {
      hello = said;
      now = said.now;
      history = createHistory();
      for (const sample of said.history) history.add(sample);
      events = [];
      rollbacks = [];
      newest = -Infinity;
      add(said.events);
    },
    update(update) {
      now = update;
      history.add(update.sample);
      add(update.events);
    },
    view() {
      if (hello === undefined || now === undefined) return undefined;
      return { title: hello.title, can: hello.can, now, history: history.samples(), events, rollbacks };
    },
  };
}
