/** What the commands for counters do. */
import { storeType } from '../session/store.ts';
import { UsageError } from './error-report.ts';
import { read, write, type Asked, type WriteWords } from './worker-calls.ts';

export async function addToCounter(
  asked: Asked,
  amount: bigint,
  { json = false, ...words }: WriteWords,
): Promise<void> {
  const { worker, terminal } = asked;
  const value = await write(asked, words, (session) => session.counter(worker).add(amount), {
    perhaps: `added ${amount}`,
    surely: (sum) => `is ${sum} now`,
  });
  const done = { worker, value: String(value), committed: words.commit === true };
  terminal.print(json ? JSON.stringify(done) : String(value));
}

export async function readCounter(asked: Asked, { json = false }: { readonly json?: boolean }): Promise<void> {
  const { worker, terminal } = asked;
  const value = await read(asked, (session, signal, cluster) => {
    if (cluster.workers().find(({ id }) => id === worker)?.type === storeType.name) {
      throw new UsageError(`worker ${worker} is a store: name a key too, as in 'dpr get ${worker} KEY'`);
    }
    return session.counter(worker).get({ signal });
  });
  terminal.print(json ? JSON.stringify({ worker, value: String(value) }) : String(value));
}
