/** What the keys of one writer must hold, by a Redis server: one of its databases is what was there for good, another one what may be there now. */
import { Peer, type Words } from '../../resp/differential/peer.ts';
import { type Contents, contentsOf, readingCommands } from './contents.ts';

/** A Redis server has 16 databases. */
export const MAX_MODELS = 8;

export class Model {
  readonly #peer: Peer;
  readonly #base: string;
  readonly #trial: string;

  private constructor(peer: Peer, index: number) {
    this.#peer = peer;
    this.#base = String(2 * index);
    this.#trial = String(2 * index + 1);
  }

  /** @param index of the model, below `MAX_MODELS` */
  static async connect(port: number, index: number): Promise<Model> {
    const model = new Model(await Peer.connect('Redis', port), index);
    await model.#tell(['SELECT', model.#base], ['FLUSHDB']);
    return model;
  }

  /** What is there after these commands, which stay a trial. */
  async after(commands: readonly Words[], keys: readonly string[]): Promise<Contents> {
    await this.#tell(['SELECT', this.#trial], ['FLUSHDB'], ['SELECT', this.#base]);
    await this.#tell(...keys.map((key) => ['COPY', key, key, 'DB', this.#trial]));
    await this.#tell(['SELECT', this.#trial], ['UNWATCH']);
    await this.#peer.ask(commands); // errors are among what is drawn
    return contentsOf(keys, await this.#peer.ask(readingCommands(keys)));
  }

  /** What was tried last is there for good. */
  async settle(): Promise<void> {
    await this.#tell(['SWAPDB', this.#base, this.#trial]);
  }

  close(): void {
    this.#peer.close();
  }

  async #tell(...commands: readonly Words[]): Promise<void> {
    const error = (await this.#peer.ask(commands)).find((reply) => reply.toString('latin1').startsWith('-'));
    if (error !== undefined) throw new Error(`the model: ${error.toString()}`);
  }
}
