/** Runs the `dpr` command within the test's process, against fake clusters. */
import { runDpr } from '../../../services/client/cli/program.ts';
import { cleanUp } from '../clean-up.ts';
import { fakeFinder, fakeServer, fakeWorker, welcome } from '../fake-cluster.ts';

/** What the command printed, said beside it, and ended with. */
export interface Run {
  readonly printed: string[];
  readonly said: string[];
  readonly interrupt: () => void;
  readonly exitCode: Promise<number>;
}

/** @param around where it is called, by default where nothing runs, and how wide the terminal is */
export function dpr(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  { directory = '/nowhere', columns }: { readonly directory?: string; readonly columns?: number } = {},
): Run {
  const [printed, said]: [string[], string[]] = [[], []];
  const interrupted = new AbortController();
  const terminal = {
    print: (text: string) => void printed.push(text),
    show: (text: string) => void printed.push(text),
    say: (text: string) => void said.push(text),
    columns: () => columns,
    signal: interrupted.signal,
  };
  return {
    printed,
    said,
    interrupt: () => interrupted.abort(),
    exitCode: runDpr(args, variables, terminal, directory),
  };
}

/** To be called within a `describe`: what these open is closed after each of its tests. */
export function fakeClusters() {
  const closing = cleanUp();

  /** A Finder with one worker, and the variables that lead the command there. */
  async function withWorker(options: Parameters<typeof fakeWorker>[1] = {}) {
    const worker = closing(await fakeWorker(0, options));
    const finder = closing(await fakeFinder());
    finder.members = [worker.member];
    return { worker, variables: { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` } };
  }

  /** A Finder with a control port, for the commands of operators. */
  async function withControl() {
    const control = closing(await fakeServer({ answer: () => welcome() }));
    const finder = closing(await fakeServer({ answer: () => welcome({ controlPort: control.port }) }));
    return { control, variables: { DPR_CLUSTER: `ws://127.0.0.1:${finder.port}` } };
  }

  return { closing, withWorker, withControl };
}
