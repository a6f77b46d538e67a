/** What a person reads of a difference, and of a run. */
import type { Words } from './peer.ts';
import { parseReply, showReply } from './reply.ts';
import type { Mismatch, Step } from './servers.ts';
import { keysOf, type Shrunk } from './shrink.ts';

const MAX_SHOWN_STEPS = 30;
const MAX_SHOWN_WORD = 60;
const MAX_SHOWN_WORDS = 24;
const PLAIN = /^[\x21\x23-\x26\x28-\x7e]+$/;

/** @param steps all up to the one that differs */
export function differenceText(head: string, steps: readonly Step[], mismatch: Mismatch, shrunk?: Shrunk): string {
  const keys = keysOf(mismatch.step);
  const concerning = steps.slice(0, -1).filter((step) => keysOf(step).some((key) => keys.includes(key)));
  const shown = concerning.slice(-MAX_SHOWN_STEPS);
  const shortest =
    shrunk === undefined
      ? ['It did not come again when these steps were done anew.']
      : [
          `The shortest that was found, from empty servers on:`,
          ...shrunk.steps.map(stepText),
          ...repliesText(shrunk.mismatch),
        ];
  return [
    head,
    ...repliesText(mismatch),
    `What had to do with ${[...new Set(keys)].join(', ')} before, the last ${shown.length} of ${concerning.length}:`,
    ...shown.map(stepText),
    ...shortest,
  ].join('\n');
}

function repliesText({ step, index, redis, store }: Mismatch): string[] {
  const words = step.commands[index]?.words ?? [];
  return [`  ${wordsText(words)}`, `    Redis:     ${replyText(redis)}`, `    the store: ${replyText(store)}`];
}

function replyText(bytes: Buffer): string {
  return showReply(parseReply(bytes));
}

function stepText({ commands, isBySecond, untilGone }: Step): string {
  const text = commands.map(({ words }) => wordsText(words)).join(' | ');
  const more = untilGone === undefined ? '' : ` … until ${untilGone} is gone`;
  return `  ${isBySecond === true ? '(by another connection) ' : ''}${text}${more}`;
}

/** As a line that redis-cli takes. */
function wordsText(words: Words): string {
  const shown = words.slice(0, MAX_SHOWN_WORDS).map((word) => wordText(Buffer.from(word).toString('latin1')));
  return shown.join(' ') + (words.length > MAX_SHOWN_WORDS ? ` … (${words.length} words)` : '');
}

function wordText(word: string): string {
  if (word.length > MAX_SHOWN_WORD) return `${wordText(word.slice(0, MAX_SHOWN_WORD))}…(${word.length} bytes)`;
  if (PLAIN.test(word)) return word;
  const escaped = word.replace(/["\\]|[^\x20-\x7e]/g, (letter) =>
    letter === '"' || letter === '\\' ? `\\${letter}` : `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}
