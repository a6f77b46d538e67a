/** The last events, numbered. Pure. */
import type { ConsoleEvent } from './messages.ts';

/** An event is a sentence of some hundred bytes. */
export const MAX_EVENTS = 200;
/** Of a sentence; a reason that a process gives may be long. */
export const MAX_EVENT_CHARACTERS = 500;

export interface EventLog {
  readonly add: (event: Omit<ConsoleEvent, 'number'>) => void;
  /** Oldest first. @param number only those that came after the one of this number */
  readonly after: (number: number) => readonly ConsoleEvent[];
  /** Of the newest; 0 before there is one. */
  readonly newest: () => number;
}

export function createEventLog(): EventLog {
  const events: ConsoleEvent[] = [];
  let newest = 0;
  return {
    add(event) {
      newest++;
      const { text } = event;
      const shown = text.length > MAX_EVENT_CHARACTERS ? `${text.slice(0, MAX_EVENT_CHARACTERS - 1)}…` : text;
      events.push({ ...event, number: newest, text: shown });
      if (events.length > MAX_EVENTS) events.shift();
    },
    after: (number) => events.filter((event) => event.number > number),
    newest: () => newest,
  };
}
