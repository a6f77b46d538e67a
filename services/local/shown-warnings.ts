import { kindOfText, MAX_COUNTED_KINDS, repeats, type Time } from '@dpr/runtime/repeated-failures';
import type { Emit } from './events.ts';
import type { Said } from './log-lines.ts';

/** What a process warns of in its first moments, that the Finder is not there yet for example, is not told. */
const QUIET_START_MS = 2_000;

/** What people are shown of the warnings and errors of one process, over all its runs; its log has them all. */
export interface ShownWarnings {
  /** It was started. */
  started(): void;
  /** @param serves whether it does what it is there for, also if it complains */
  said(said: Said, serves: boolean): void;
}

/** @param now monotonic, ms */
export function shownWarnings(process: string, emit: Emit, now = () => performance.now(), time?: Time): ShownWarnings {
  const same = repeats<Said>((said, more) => {
    emit({ event: 'processSays', process, ...said, ...(more === undefined ? {} : { more }) });
  }, time);
  /** What was not shown in the first moments. */
  const early = new Set<string>();
  let quietUntil = -Infinity;

  return {
    started() {
      quietUntil = now() + QUIET_START_MS;
      early.clear();
    },
    said(said, serves) {
      const kind = `${said.severity} ${kindOfText(said.text)}`;
      if (said.severity === 'warn' && !serves && now() < quietUntil) {
        if (early.size < MAX_COUNTED_KINDS) early.add(kind);
      } else if (said.more === undefined) {
        same.note(kind, said);
      } else if (!serves || !early.has(kind)) {
        emit({ event: 'processSays', process, ...said });
      }
    },
  };
}
