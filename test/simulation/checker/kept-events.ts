/** What the Finder tells of the past: each event once and in order, and a rollback for each world-line that began since its process did. */
import type { MessageOf, PastEvent } from '../../../services/protocol/index.ts';
import { violated, type Truth } from './truth.ts';

export function checkEvents(truth: Truth, { events }: MessageOf<'eventsAnswer'>): void {
  let before: Pick<PastEvent, 'number' | 'worldLine'> | undefined;
  for (const event of events) {
    const { number, kind, worldLine } = event;
    if (before === undefined) {
      if ((number === 1) !== (kind === 'finderStarted')) violated(7, `event ${number} of a Finder is '${kind}'`);
    } else {
      if (number !== before.number + 1) violated(7, `event ${number} follows ${before.number}`);
      const expected = before.worldLine + (kind === 'rolledBack' ? 1 : 0);
      if (worldLine !== expected) violated(7, `'${kind}' is told of world-line ${worldLine}, and not ${expected}`);
    }
    before = event;
  }
  const told = before?.worldLine ?? 0;
  const durable = truth.record?.worldLine ?? 0;
  if (told !== durable) violated(7, `events are told up to world-line ${told}, and ${durable} is durable`);
}
