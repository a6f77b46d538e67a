/** A process that sends: its parent tells it which servers to send to, and gets the results. */
import { writeFileSync } from 'node:fs';
import { createActor, type Actor } from './actor.ts';
import { createKnowledge } from './knowledge.ts';
import { personas, type Ports, type Tokens } from './personas.ts';

/** What the parent asks for, once. */
export interface SenderTask {
  readonly seed: number;
  readonly ports: Ports;
  readonly tokens: Tokens;
  /** Connections to each port of clients. */
  readonly each: number;
  /** In all. */
  readonly framesPerMinute: number;
}

/** Later on: to stop, and write the last messages of each connection to this file. */
export type SenderRequest = SenderTask | { readonly keepLastIn: string };

/** What happened since the last report; what is wrong with it; or that the last messages are written. */
export type SenderReport =
  { readonly counts: Readonly<Record<string, number>> } | { readonly failure: string } | { readonly kept: true };

const TURN_MS = 20;
const REPORT_MS = 500;
const MINUTE_MS = 60_000;

if (process.send === undefined) throw new Error('this program is started by the fuzzer');
process.on('disconnect', () => process.exit());
// The terminal sends Ctrl-C to all processes; the parent says when it is over.
process.on('SIGINT', () => undefined);
let keepLast: (file: string) => void = () => undefined;
process.on('message', (request: SenderRequest) => {
  if (!('keepLastIn' in request)) return start(request);
  keepLast(request.keepLastIn);
  report({ kept: true });
});
process.on('uncaughtException', (error) => report({ failure: error.stack ?? error.message }));

function report(message: SenderReport): void {
  process.send?.(message);
}

function start({ seed, ports, tokens, each, framesPerMinute }: SenderTask): void {
  let counts = new Map<string, number>();
  const knowledge = createKnowledge();
  const count = (what: string, times = 1): void => void counts.set(what, (counts.get(what) ?? 0) + times);
  const actors = personas(ports, tokens, each).map((persona, index) =>
    createActor(persona, seed, index, knowledge, count),
  );
  keepLast = (file) => {
    clearInterval(turns);
    writeFileSync(file, JSON.stringify(actors.map(({ last }) => last())));
  };
  let due = 0;
  let since = performance.now();
  let turn = 0;
  const turns = setInterval(() => {
    const now = performance.now();
    // What a process that stood still did not send is not made up for.
    due = Math.min(due, framesPerMinute / 60) + (framesPerMinute * (now - since)) / MINUTE_MS;
    since = now;
    due -= takeTurns(actors, turn++, due, count);
  }, TURN_MS);
  setInterval(() => {
    report({ counts: Object.fromEntries(counts) });
    counts = new Map();
  }, REPORT_MS);
}

/**
 * An actor that is not connected connects; the others act in turn until enough was sent, beginning with another one each time.
 * @returns how many frames were sent
 */
function takeTurns(
  actors: readonly Actor[],
  turn: number,
  due: number,
  count: (what: string, times: number) => void,
): number {
  let sent = 0;
  for (let at = 0; at < actors.length; at++) {
    const actor = actors[(turn + at) % actors.length];
    if (actor !== undefined && (sent < due || !actor.isConnected())) sent += actor.act();
  }
  count('frames', sent);
  return sent;
}
