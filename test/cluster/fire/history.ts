/**
 * What one connection sent since its contents were last known, and which of it may be there now. A rollback takes the end of what was done so
 * far, never what was committed; the next step is then refused, and those behind it are done. So what is there is a path: runs of steps in
 * the order in which they were sent, each of which begins behind a step that was refused.
 */
import type { Words } from '../../resp/differential/peer.ts';

/** `unknown`: no answer came. It was done, or never came to the store, or it was the one that was refused after a rollback. */
export type Fate = 'done' | 'refused' | 'unknown';

/** What is done as a whole or not at all. */
export interface Step {
  readonly commands: readonly Words[];
  /** It also puts this at the end of the list of marks. */
  readonly mark?: string | undefined;
}

interface Sent extends Step {
  readonly fate: Fate;
}

/** So many rollbacks are thought of during one pipeline without answers. */
const MAX_UNSEEN_ROLLBACKS = 2;

export class History {
  #steps: Sent[] = [];
  /** Each: what was there when so many steps were sent is there for good. */
  #commits: number[] = [];

  get length(): number {
    return this.#steps.length;
  }

  add(step: Step, fate: Fate): void {
    this.#steps.push({ ...step, fate });
  }

  /** What was not committed may be gone, and nothing of this connection came behind it. */
  lose(): void {
    this.add({ commands: [] }, 'refused');
  }

  commit(): void {
    this.#commits.push(this.#steps.length);
  }

  clear(): void {
    this.#steps = [];
    this.#commits = [];
  }

  /** Every path after which the list of marks is this one, those with the fewest unseen rollbacks first; steps are named by their index. */
  paths(marks: readonly string[]): (readonly number[])[] {
    const found = Array.from({ length: MAX_UNSEEN_ROLLBACKS + 1 }, () => new Map<string, readonly number[]>());
    const length = this.#steps.length;
    const go = (at: number, path: readonly number[], seen: number, unseen: number): void => {
      if (at === length) {
        if (seen === marks.length) found[unseen]?.set(path.join(), path);
        return;
      }
      const { fate, mark } = this.#steps[at] ?? { fate: 'refused' };
      const isMarked = mark !== undefined;
      if (fate !== 'refused' && (!isMarked || mark === marks[seen]))
        go(at + 1, [...path, at], seen + Number(isMarked), unseen);
      for (let refused = at; refused < length; refused++) {
        const step = this.#steps[refused];
        if (refused > at && this.#commits.includes(refused)) break;
        if (step?.mark !== undefined && step.mark === marks[seen]) break;
        if (step?.fate === 'refused') go(refused + 1, path, seen, unseen);
        else if (step?.fate === 'unknown' && unseen < MAX_UNSEEN_ROLLBACKS) go(refused + 1, path, seen, unseen + 1);
      }
    };
    go(0, [], 0, 0);
    return [...new Map(found.flatMap((paths) => [...paths])).values()];
  }

  /** The commands of a path. Where a rollback was, nothing is watched any more. */
  commandsOf(path: readonly number[]): Words[] {
    return path.flatMap((index, place) => {
      const commands = this.#steps[index]?.commands ?? [];
      return place > 0 && path[place - 1] !== index - 1 ? [['UNWATCH'], ...commands] : commands;
    });
  }

  /** How many steps were done that the path does not have. */
  lostBy(path: readonly number[]): number {
    return this.#steps.filter(({ fate }, index) => fate === 'done' && !path.includes(index)).length;
  }

  /** As a person reads it. */
  get text(): string {
    return this.#steps
      .map(({ commands, fate }, index) => {
        const words = commands.map((command) => command.map((word) => shown(word)).join(' ')).join('; ');
        const isCommitted = this.#commits.includes(index + 1) ? ' committed' : '';
        return `${index} ${fate}: ${words}${isCommitted}`;
      })
      .join('\n');
  }
}

const SHOWN_LETTERS = 40;

function shown(word: string | Buffer): string {
  const text = JSON.stringify(Buffer.from(word).toString('latin1'));
  return text.length <= SHOWN_LETTERS ? text : `${text.slice(0, SHOWN_LETTERS)}…`;
}
