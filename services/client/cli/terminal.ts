/** Where the command writes, and when it is to stop. */
export interface Terminal {
  /** A line of what was asked for. */
  readonly print: (text: string) => void;
  /** A line about how it goes, beside what was asked for. */
  readonly say: (text: string) => void;
  /** Show `text` in place of what was shown last, where that is possible. */
  readonly show: (text: string) => void;
  /** How many characters fit in a line; undefined where the output is no terminal. */
  readonly columns: () => number | undefined;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}
