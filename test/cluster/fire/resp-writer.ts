/** A Redis client that writes keys of its own, and looks whether what is there is exactly what must be. */
import assert from 'node:assert/strict';
import { Peer, type Words } from '../../resp/differential/peer.ts';
import type { Random } from '../../simulation/random.ts';
import { until } from '../harness.ts';
import { type Contents, contentsOf, difference, readingCommands, showHeld } from './contents.ts';
import { History, type Step } from './history.ts';
import type { Model } from './model.ts';
import type { WriterSteps } from './steps.ts';
import type { Writer, WriterCounts } from './writer.ts';

const MOST_STEPS = 12;
const COMMIT_CHANCE = 0.08;
const LOOK_CHANCE = 0.02;
/** Of commits: they wait for so long at most, and say whether that was enough. */
const HURRIED_CHANCE = 0.2;
const HURRIED_MS = '15';
const COMMITTED = '*2\r\n:1\r\n:0\r\n';
const NOT_YET = '*2\r\n:0\r\n:0\r\n';
const ROLLBACK = '-ROLLBACK ';

/** Where a server is. */
export type RespAddress = { readonly host: string; readonly port: number };

export interface RespWriterOptions {
  /** With the seed: tells which writer this is. */
  readonly name: string;
  readonly address: RespAddress;
  readonly protocol: '2' | '3';
  readonly random: Random;
  readonly steps: WriterSteps;
  readonly model: Model;
  readonly marksPrefix: string;
  /** Is told at once when a commit was answered. */
  readonly committed: () => void;
}

export class RespWriter implements Writer {
  readonly #options: RespWriterOptions;
  readonly #history = new History();
  #peer: Peer | undefined;
  /** Of each rollback that was told by an error, and of each that was pushed. */
  #told: string[] = [];
  #pushed: string[] = [];
  /** Since contents were known last, the marks are in a list of their own. */
  #epoch = 0;
  #marks = 0;
  readonly counts: WriterCounts = { steps: 0, looks: 0, rollbacks: 0, breaks: 0, lost: 0 };

  constructor(options: RespWriterOptions) {
    this.#options = options;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const { random } = this.#options;
      let isWhole = await this.#pipeline(random.int(1, MOST_STEPS));
      if (isWhole && random.chance(COMMIT_CHANCE)) {
        isWhole = (await this.#commit(random.chance(HURRIED_CHANCE) ? HURRIED_MS : '0')) !== 'lost';
      }
      if (!isWhole || random.chance(LOOK_CHANCE)) await this.look();
    }
    await this.look();
  }

  /** Write some, and have it committed. @returns once that was answered, before anything else is sent */
  async writeForGood(): Promise<void> {
    while (!(await this.#pipeline(MOST_STEPS)) || (await this.#commit('0')) !== 'committed') await this.look();
  }

  /** Read all that is there, for good, and compare. */
  async look(): Promise<void> {
    const keys = [...this.#options.steps.keys, this.#marksKey(this.#epoch - 1), this.#marksKey(this.#epoch)];
    const reading = [['UNWATCH'], ...readingCommands(keys), ['WAITAOF', '1', '0', '0']];
    let replies: readonly Buffer[] | undefined;
    while (replies === undefined) {
      replies = await this.#ask(reading);
      const error = replies?.find(isRollback);
      if (replies !== undefined && error === undefined) continue;
      if (error !== undefined) this.#isTold(error);
      this.#history.lose();
      replies = undefined;
    }
    assert.equal(String(replies.at(-1)), COMMITTED);
    for (const told of this.#told.splice(0))
      assert.ok(
        this.#pushed.some((push) => push.includes(told)),
        `not pushed: ${told}`,
      );
    await this.#isAllowed(contentsOf(keys, replies.slice(1)), keys);
    this.counts.looks++;
    this.#epoch++;
    this.#history.clear();
  }

  close(): void {
    this.#peer?.close();
    this.#options.model.close();
  }

  /** @returns false: contents are to be looked at, since a rollback was told, or the connection broke */
  async #pipeline(count: number): Promise<boolean> {
    const steps = this.#draw(count);
    const replies = await this.#ask(steps.flatMap(({ commands }) => commands));
    let isWhole = replies !== undefined;
    let at = 0;
    for (const step of steps) {
      const own = replies?.slice(at, at + step.commands.length);
      at += step.commands.length;
      const refused = own?.findIndex(isRollback) ?? -1;
      if (refused >= 0) {
        assert.equal(
          refused,
          step.commands.length - 1,
          'a rollback is told by EXEC, or by a command that is in no transaction',
        );
        this.#isTold(own?.[refused] ?? Buffer.alloc(0));
        isWhole = false;
      }
      this.#history.add(step, own === undefined ? 'unknown' : refused >= 0 ? 'refused' : 'done');
      this.counts.steps++;
    }
    if (replies === undefined) this.#history.lose();
    return isWhole;
  }

  /**
   * Wait until all that this connection did is committed, which is nothing at first: what others did before must be known.
   * @param ms how long; 0: as long as it takes @returns `lost`: contents are to be looked at
   */
  async #commit(ms: string): Promise<'committed' | 'notYet' | 'lost'> {
    const [reply] = (await this.#ask([['WAITAOF', '1', '0', ms]])) ?? [];
    if (reply === undefined || isRollback(reply)) {
      if (reply !== undefined) this.#isTold(reply);
      this.#history.lose();
      return 'lost';
    }
    const text = reply.toString();
    if (text === COMMITTED) {
      this.#history.commit();
      this.#options.committed();
      return 'committed';
    }
    assert.ok(ms !== '0' && text === NOT_YET, `WAITAOF: ${text}`);
    return 'notYet';
  }

  #isTold(error: Buffer): void {
    this.counts.rollbacks++;
    if (this.#options.protocol === '3') this.#told.push(error.toString().slice(ROLLBACK.length).trim());
  }

  /** @returns undefined: the connection broke */
  async #ask(commands: readonly Words[]): Promise<Buffer[] | undefined> {
    const peer = (this.#peer ??= await this.#connect());
    try {
      return await peer.ask(commands);
    } catch {
      this.#peer = undefined;
      this.#told = [];
      this.counts.breaks++;
      return undefined;
    }
  }

  async #connect(): Promise<Peer> {
    const { name, address, protocol } = this.#options;
    this.#pushed = [];
    const pushed = (push: Buffer): void => void this.#pushed.push(push.toString());
    return until(`a connection of ${name}`, async () => {
      try {
        const peer = await Peer.connect(name, address.port, { host: address.host, pushed });
        await peer.ask([['HELLO', protocol]]);
        return peer;
      } catch {
        return undefined; // the store is away
      }
    });
  }

  #draw(count: number): Step[] {
    const { steps } = this.#options;
    const drawn = Array.from({ length: count }, () => steps.next());
    const isFirst = this.#history.length === 0;
    return [
      ...(isFirst ? [{ commands: [['DEL', this.#marksKey(this.#epoch - 2)]] }] : []),
      ...drawn.flatMap((step) => [step, this.#mark()]),
    ];
  }

  #mark(): Step {
    const mark = String(this.#marks++);
    return { commands: [['RPUSH', this.#marksKey(this.#epoch), mark]], mark };
  }

  #marksKey(epoch: number): string {
    return `${this.#options.marksPrefix}${epoch}`;
  }

  async #isAllowed(found: Contents, keys: readonly string[]): Promise<void> {
    const { model, name } = this.#options;
    const marks = JSON.parse(found.get(this.#marksKey(this.#epoch))?.value ?? '[]') as string[];
    const refusals: string[] = [];
    const paths = this.#history.paths(marks);
    for (const path of paths) {
      const expected = await model.after(this.#history.commandsOf(path), keys);
      const key = difference(expected, found);
      if (key === undefined) {
        this.counts.lost += this.#history.lostBy(path);
        return model.settle();
      }
      refusals.push(
        `after ${path.join()}: ${key} is to be ${showHeld(expected.get(key))}, and is ${showHeld(found.get(key))}`,
      );
    }
    const head = `${name}: what is there is none of the ${paths.length} that are allowed with the marks ${marks.join()}`;
    throw new Error([head, ...refusals, 'steps:', this.#history.text].join('\n'));
  }
}

function isRollback(reply: Buffer): boolean {
  return reply.toString('latin1', 0, ROLLBACK.length) === ROLLBACK;
}
