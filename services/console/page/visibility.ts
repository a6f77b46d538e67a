/** A hidden tab gives its connection up: a browser opens six to one host, for all of its tabs together. Pure. */

/** A tab that is hidden for less keeps its connection. */
export const HIDDEN_MS = 10_000;

export interface Showing {
  readonly isHidden: () => boolean;
  /** @param changed called after each change of `isHidden` */
  readonly onChange: (changed: () => void) => void;
  /** Runs it after so many ms. @returns what cancels it */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** @param start begins what is done while the page is shown; it returns what ends that */
export function whileShown({ isHidden, onChange, after }: Showing, start: () => () => void): void {
  let stop: (() => void) | undefined = start();
  let cancel = (): void => undefined;

  function changed(): void {
    cancel();
    if (!isHidden()) {
      stop ??= start();
      return;
    }
    cancel = after(HIDDEN_MS, () => {
      stop?.();
      stop = undefined;
    });
  }

  onChange(changed);
  if (isHidden()) changed();
}
