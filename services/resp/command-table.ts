/** Commands by their names, found without making a text of them. */
import type { Arguments } from './arguments.ts';
import type { DataCommand } from './command.ts';
import type { CommandList, LocalCommand } from './local-command.ts';

export type AnyCommand = DataCommand | LocalCommand;

const UPPER_A = 65;
const UPPER_Z = 90;
const LOWER = 32;

export class CommandTable implements CommandList {
  readonly #byHash = new Map<number, AnyCommand[]>();
  readonly #byName = new Map<string, AnyCommand>();

  constructor(commands: Iterable<AnyCommand>) {
    for (const command of commands) {
      if (this.#byName.has(command.name)) throw new Error(`there are two commands '${command.name}'`);
      const bytes = Buffer.from(command.name);
      const hash = hashOf(bytes, 0, bytes.length);
      this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), command]);
      this.#byName.set(command.name, command);
    }
  }

  get all(): readonly AnyCommand[] {
    return [...this.#byName.values()];
  }

  named(name: string): AnyCommand | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** The command that these words name. */
  find({ bytes, starts, ends }: Arguments): AnyCommand | undefined {
    const from = starts[0] ?? 0;
    const end = ends[0] ?? 0;
    const found = this.#byHash.get(hashOf(bytes, from, end));
    if (found === undefined) return undefined;
    for (const command of found) if (isName(command.name, bytes, from, end)) return command;
    return undefined;
  }
}

/** Of the letters in lower case. */
function hashOf(bytes: Buffer, from: number, end: number): number {
  let hash = end - from;
  for (let at = from; at < end; at++) hash = (Math.imul(hash, 31) + lower(bytes[at] ?? 0)) | 0;
  return hash;
}

function isName(name: string, bytes: Buffer, from: number, end: number): boolean {
  if (name.length !== end - from) return false;
  for (let at = 0; at < name.length; at++) {
    if (name.charCodeAt(at) !== lower(bytes[from + at] ?? 0)) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= UPPER_A && byte <= UPPER_Z ? byte + LOWER : byte;
}

export function hasRightCount({ arity }: AnyCommand, count: number): boolean {
  return arity < 0 ? count >= -arity : count === arity;
}

/** Commands of both kinds are told apart by what they do. */
export function isLocal(command: AnyCommand): command is LocalCommand {
  return 'run' in command;
}
