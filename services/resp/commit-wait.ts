/** A command that waits until what its connection did is committed, or until its time is over. */
import type { Host, Timer } from '@dpr/runtime/side-port';

type Answer = (isCommitted: boolean) => void;

export class CommitWait {
  readonly #host: Pick<Host, 'setTimeout' | 'clearTimeout'>;
  #answer: Answer | undefined;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(host: Pick<Host, 'setTimeout' | 'clearTimeout'>) {
    this.#host = host;
  }

  /** A command waits. */
  get isOn(): boolean {
    return this.#answer !== undefined;
  }

  /** @param ms 0: for ever @param over the time is */
  begin(ms: number, answer: Answer, over: () => void): void {
    this.#answer = answer;
    this.#isOver = false;
    if (ms === 0) return;
    this.#timer = this.#host.setTimeout(() => {
      this.#isOver = true;
      over();
    }, ms);
  }

  /** Answer the command, if it is time to. */
  goOn(isCommitted: boolean): void {
    const answer = this.#answer;
    if (answer === undefined || !(isCommitted || this.#isOver)) return;
    this.end();
    answer(isCommitted);
  }

  /** The command is answered otherwise, or not at all. */
  end(): void {
    this.#host.clearTimeout(this.#timer);
    this.#answer = this.#timer = undefined;
  }
}
