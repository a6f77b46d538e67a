/** Redis and a store, asked for the same. */
import { type CommandSource, type Mending, ruleOf } from './command-source.ts';
import { Peer, type Words } from './peer.ts';
import { isErrorReply, parseReply } from './reply.ts';
import { alikeBytes, eachBy, type Rule } from './rules.ts';

export interface Command {
  readonly words: Words;
  /** Undefined: its reply is the same byte for byte. */
  readonly source: CommandSource | undefined;
}

/** What is done at once. */
export interface Step {
  readonly commands: readonly Command[];
  /** By the second connection, which is there to disturb the first. */
  readonly isBySecond?: boolean;
  /** It begins once everything before has its replies, and nothing begins until it has its own. */
  readonly isAlone?: boolean;
  /** It goes on until this key is gone by itself. */
  readonly untilGone?: string;
}

/** The first reply that is not the same. */
export interface Mismatch {
  readonly step: Step;
  /** Of the step's command. */
  readonly index: number;
  readonly redis: Buffer;
  readonly store: Buffer;
}

export interface Ports {
  readonly redis: number;
  readonly store: number;
}

/** The same to both: the same replies are due. */
interface Pair {
  readonly redis: Peer;
  readonly store: Peer;
}

type Look = (command: Command, store: Buffer) => void;

const MAX_PIPELINED = 100;
const QUEUED = '+QUEUED\r\n';
const GONE = Buffer.from(':-2\r\n');

export class Servers {
  readonly #first: Pair;
  readonly #second: Pair;

  private constructor(first: Pair, second: Pair) {
    this.#first = first;
    this.#second = second;
  }

  static async connect({ redis, store }: Ports): Promise<Servers> {
    const pair = async (): Promise<Pair> => ({
      redis: await Peer.connect('Redis', redis),
      store: await Peer.connect('the store', store),
    });
    return new Servers(await pair(), await pair());
  }

  /** Whatever both answer. */
  async tell(...words: Words): Promise<void> {
    for (const { redis, store } of [this.#first, this.#second])
      await Promise.all([redis.ask([words]), store.ask([words])]);
  }

  /** What one of them answers. */
  async askOne(which: keyof Pair, ...words: Words): Promise<Buffer> {
    const [reply = Buffer.alloc(0)] = await this.#first[which].ask([words]);
    return reply;
  }

  /** Wait until all that was done at the store is committed. */
  async commit(): Promise<void> {
    for (const { store } of [this.#first, this.#second]) {
      const [reply] = await store.ask([['WAITAOF', '1', '0', '0']]);
      if (reply?.toString() !== '*2\r\n:1\r\n:0\r\n') throw new Error(`WAITAOF: ${String(reply)}`);
    }
  }

  close(): void {
    for (const { redis, store } of [this.#first, this.#second]) {
      redis.close();
      store.close();
    }
  }

  /** @param look is shown every command with the store's reply @returns the first difference */
  async perform(steps: readonly Step[], look?: Look): Promise<Mismatch | undefined> {
    for (let at = 0; at < steps.length;) {
      const group = groupFrom(steps, at);
      const mismatch = await this.#performGroup(group, look);
      if (mismatch !== undefined) return mismatch;
      at += group.length;
    }
    return undefined;
  }

  async #performGroup(group: readonly Step[], look: Look | undefined): Promise<Mismatch | undefined> {
    const pair = group[0]?.isBySecond === true ? this.#second : this.#first;
    const commands = group.flatMap((step) => step.commands.map(({ words }) => words));
    const [redis, store] = await Promise.all([pair.redis.ask(commands), pair.store.ask(commands)]);
    let at = 0;
    for (const step of group) {
      const end = at + step.commands.length;
      const mismatch = compare(step, redis.slice(at, end), store.slice(at, end), look);
      if (mismatch !== undefined) return mismatch;
      at = end;
    }
    const [step] = group;
    if (step?.isAlone !== true) return undefined;
    if (step.untilGone !== undefined) await waitUntilGone(pair, step.untilGone);
    const [{ words, source } = { words: [], source: undefined }] = step.commands;
    const [theirs = Buffer.alloc(0), ours = Buffer.alloc(0)] = [redis[0], store[0]];
    const isError = isErrorReply(parseReply(theirs)) || isErrorReply(parseReply(ours));
    const mendings = isError ? [] : (source?.mend?.(words, theirs, ours) ?? []);
    return (await mend(pair.redis, mendings)) ? undefined : mismatchOf(step, 0, redis, store);
  }
}

/** Steps that may travel together. */
function groupFrom(steps: readonly Step[], from: number): readonly Step[] {
  const isFree = (step: Step | undefined): boolean =>
    step !== undefined && step.isAlone !== true && step.isBySecond !== true;
  let end = from + 1;
  if (isFree(steps[from])) while (end - from < MAX_PIPELINED && isFree(steps[end])) end++;
  return steps.slice(from, end);
}

function compare(step: Step, redis: readonly Buffer[], store: readonly Buffer[], look?: Look): Mismatch | undefined {
  let queued: Rule[] = [];
  for (const [index, command] of step.commands.entries()) {
    const [theirs, ours] = [redis[index], store[index]];
    if (theirs === undefined || ours === undefined) throw new Error('a reply is missing');
    look?.(command, ours);
    const rule = command.words[0] === 'EXEC' ? eachBy(queued) : ruleOf(command.source, command.words);
    if (!alikeBytes(theirs, ours, rule)) return mismatchOf(step, index, redis, store);
    if (command.words[0] === 'EXEC') queued = [];
    else if (theirs.toString('latin1') === QUEUED) queued.push(rule);
  }
  return undefined;
}

function mismatchOf(step: Step, index: number, redis: readonly Buffer[], store: readonly Buffer[]): Mismatch {
  return { step, index, redis: redis[index] ?? Buffer.alloc(0), store: store[index] ?? Buffer.alloc(0) };
}

/** @returns whether Redis answered what it must where the store was right */
async function mend(redis: Peer, mendings: readonly Mending[]): Promise<boolean> {
  const replies = await redis.ask(mendings.map(({ words }) => words));
  return mendings.every(({ reply }, index) => replies[index]?.toString() === reply);
}

async function waitUntilGone({ redis, store }: Pair, key: string): Promise<void> {
  for (const peer of [redis, store]) {
    let reply: Buffer | undefined;
    while (reply?.equals(GONE) !== true) [reply] = await peer.ask([['PTTL', key]]);
  }
}
