import { kindOfEnd, moreText, repeats, type Time } from '@dpr/runtime/repeated-failures';
import { type LocalEvent, textOf } from '../events.ts';

/**
 * Lines for people: a process that ends again and again for the same reason is shown once, and then how many more times that was; its
 * starts between these ends are not told, and once it stays, that it serves is.
 *
 * @returns what is to be called with each event
 */
export function calmLines(line: (text: string) => void, time?: Time): (event: LocalEvent) => void {
  /** Processes whose last end was counted, not told. */
  const counted = new Set<string>();
  const same = repeats<LocalEvent>((event, more) => {
    line(more === undefined ? textOf(event) : `${textOf(event)} ${moreText(more)}`);
  }, time);

  return (event) => {
    if (event.event === 'processEnded') {
      const { process, reason } = event;
      if (same.note(`ended ${process} ${kindOfEnd(reason)}`, event)) counted.delete(process);
      else counted.add(process);
    } else if (event.event === 'processServing' && counted.has(event.process)) {
      same.note(`serving ${event.process}`, event);
    } else if (event.event !== 'processStarted' || !counted.has(event.process)) {
      line(textOf(event));
    }
  };
}
