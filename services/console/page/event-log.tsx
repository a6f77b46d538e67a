/** What happened, the newest first. */
import type { ConsoleEvent } from '../messages.ts';
import { clock } from './format.ts';
import { LEVEL_WORDS, LevelSign } from './level.tsx';

export function EventLog({ events }: { readonly events: readonly ConsoleEvent[] }) {
  return (
    <section class="panel events" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      {events.length === 0 ? (
        <p class="nothing">Nothing has happened since the console started.</p>
      ) : (
        // A list that scrolls is to be reached by keyboard.
        <ol tabIndex={0} aria-labelledby="events-title">
          {events.map((event) => (
            <Entry key={event.number} event={event} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Entry({ event: { at, level, text, isRollback } }: { readonly event: ConsoleEvent }) {
  return (
    <li class={level}>
      <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
        {clock(at)}
      </time>
      <span class="level">
        <LevelSign level={level} />
        {level === 'well' ? 'Info' : LEVEL_WORDS[level]}
      </span>
      <span class="text">
        {isRollback && <span class="mark">Rollback</span>}
        {text}
      </span>
    </li>
  );
}
