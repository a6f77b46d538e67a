/** The client under test: a program that is told what to do, and says what it saw, in lines. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Failure } from './failure.ts';
import { createWaits } from './waits.ts';

export interface Subject {
  /** Tell it what to do. */
  say(line: string): void;
  /** These lines come, in any order; each is taken once. */
  hears(...lines: readonly string[]): Promise<void>;
  /** One of these lines comes. @returns which */
  hearsOneOf(...lines: readonly string[]): Promise<string>;
  /** Whether it has said so, and it was not taken. */
  hasSaid(line: string): boolean;
  /** Lines that may come or not. */
  mayHear(pattern: RegExp): void;
  /** It ends by itself with exit code 0, and has said nothing that was not expected. */
  ended(): Promise<void>;
  /** Never resolves. @throws Failure when it crashes, or does not start */
  readonly crash: Promise<never>;
  /** What it wrote to standard error. */
  errors(): string;
  kill(): Promise<void>;
}

/** So much of what it wrote to standard error is kept, in characters. */
const MAX_ERRORS = 16_384;
/** So many lines that were not taken are kept: a program that says more is broken. */
const MAX_LINES = 10_000;

export function startSubject(command: readonly string[], cluster: string, patienceMs: number): Subject {
  const [program = '', ...parameters] = command;
  const child = spawn(program, parameters, {
    env: { ...process.env, DPR_CLUSTER: cluster },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const allowed: RegExp[] = [];
  const waits = createWaits(patienceMs);
  let errors = '';
  let over: string | undefined;

  const exited = exitOf(child).then((how) => {
    over = how;
    waits.changed();
    return how;
  });
  child.stdin.on('error', () => undefined); // it has ended, which is told otherwise
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-MAX_ERRORS)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.trim() !== '' && lines.length < MAX_LINES) lines.push(line.trim());
    waits.changed();
  });

  /** Wait until `look` finds something. */
  function until<T>(what: string, look: () => T | undefined): Promise<T> {
    const unsaid = (why: string): string => {
      const said = lines.length === 0 ? 'nothing else' : lines.join(', ');
      return `the client did not say ${what} ${why}; it has said ${said}`;
    };
    const lookUntilOver = (): T | undefined => {
      const found = look();
      if (found === undefined && over !== undefined) throw new Failure(unsaid(`before it ended (${over})`));
      return found;
    };
    return waits.until(lookUntilOver, () => unsaid(`within ${patienceMs} ms`));
  }

  function take(line: string): string | undefined {
    const place = lines.indexOf(line);
    return place < 0 ? undefined : lines.splice(place, 1)[0];
  }

  return {
    crash: exited.then((how) => {
      if (how === 'exit code 0') return new Promise<never>(() => undefined);
      throw new Failure(`the client ends with ${how}`);
    }),
    say: (line) => void child.stdin.write(`${line}\n`),
    async hears(...expected) {
      for (const line of expected) await until(`'${line}'`, () => take(line));
    },
    hearsOneOf: (...expected) =>
      until(expected.map((line) => `'${line}'`).join(' or '), () => {
        const found = expected.find((line) => lines.includes(line));
        return found === undefined ? undefined : take(found);
      }),
    hasSaid: (line) => lines.includes(line),
    mayHear: (pattern) => void allowed.push(pattern),
    async ended() {
      const late = new Promise<string>((resolve) => setTimeout(resolve, patienceMs, 'not at all').unref());
      const how = await Promise.race([exited, late]);
      if (how !== 'exit code 0') throw new Failure(`the client should end with exit code 0, and ends with ${how}`);
      const unexpected = lines.filter((line) => !allowed.some((pattern) => pattern.test(line)));
      if (unexpected.length > 0) throw new Failure(`the client says what did not happen: ${unexpected.join(', ')}`);
    },
    errors: () => errors,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** How a process ended, in words. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`an error, ${error.message}`));
    child.on('close', (code, signal) => resolve(code === null ? String(signal) : `exit code ${code}`));
  });
}
