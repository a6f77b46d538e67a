/** The session of one connection to a worker: most of its batches execute, for what executes is what lasts. */
import { MAX_VERSION_JUMP, type Message } from '@dpr/protocol';
import { drawDependencies, drawNumber, writeBatchFields, type BatchFields, type Source } from './frames.ts';

export interface FuzzSession {
  /** The next batch. @param isRight it is as it should be; otherwise this and that is mutated now and then */
  batch(isRight: boolean): Buffer;
  /** The same as an earlier one: its stored reply is asked for. */
  repeat(): Buffer;
  learn(message: Message): void;
  readonly hex: () => string;
  begin(): void;
}

const MAX_AMOUNT = 2n ** 63n - 1n;
const MANY_OPERATIONS = 4_096;
const MOST_OPERATIONS = 65_536;

export function createFuzzSession(source: Source): FuzzSession {
  const { random, knowledge } = source;
  let hex = '';
  let session = Buffer.alloc(0);
  let next = 1;
  let acknowledged = 0;
  let version = 0;
  let last: Buffer | undefined;

  function begin(): void {
    hex = random.hex(16);
    session = Buffer.from(hex, 'hex');
    knowledge.share('session', hex);
    [next, acknowledged, version, last] = [1, 0, 0, undefined];
  }
  begin();

  function fields(isRight: boolean): BatchFields {
    const claimed =
      !isRight && random.chance(0.1)
        ? Math.max(version, Date.now()) +
          random.pick([0, 1, 100, 5_000, MAX_VERSION_JUMP - 1_000, MAX_VERSION_JUMP + 100])
        : version;
    const { count, operations } = drawOperations(source, isRight);
    return {
      isUrgent: random.chance(0.02),
      session,
      worldLine: 1,
      generation: 1,
      sequence: next,
      acknowledged: random.chance(0.05) ? random.int(0, acknowledged) : acknowledged,
      version: claimed,
      dependencies: !isRight && random.chance(0.2) ? drawDependencies(source, claimed) : [],
      count,
      operations,
    };
  }

  return {
    begin,
    hex: () => hex,
    batch(isRight) {
      const made = fields(isRight);
      if (!isRight && random.chance(0.02)) {
        const sequence = Math.max(1, drawNumber(source, 'sequence', 8));
        return writeBatchFields({
          ...made,
          sequence,
          acknowledged: random.chance(0.5) ? 0 : Math.floor(sequence / 4) * 2,
        });
      }
      next++;
      return (last = writeBatchFields(made));
    },
    repeat: () => last ?? writeBatchFields(fields(true)),
    learn(message) {
      if (!('session' in message) || message.session !== hex) return;
      if (message.kind === 'reply') {
        acknowledged = Math.max(acknowledged, Math.min(message.sequence, next - 1));
        version = Math.max(version, message.version);
      } else if (message.kind === 'error') {
        if (message.code === 'sequenceGap') next = Math.max(1, Math.min(message.detail, 2 ** 40));
        if (message.code === 'sessionExpired' || next <= acknowledged) begin();
      }
    },
  };
}

/** They add up to nothing, or do not fit into 64 bits and change nothing, or are malformed. */
function drawOperations({ random }: Source, isRight: boolean): { readonly count: number; readonly operations: Buffer } {
  if (!isRight && random.chance(0.01)) return { count: random.int(1, 9), operations: Buffer.alloc(random.int(0, 100)) };
  const many = random.chance(0.002) ? (random.chance(0.02) ? MOST_OPERATIONS : MANY_OPERATIONS) : undefined;
  const count = many ?? 2 * random.int(1, 2);
  const operations = Buffer.alloc(8 * count);
  if (many !== undefined || random.chance(0.5)) return { count, operations };
  if (random.chance(0.1)) {
    operations.writeBigInt64LE(MAX_AMOUNT); // beyond what there is room for, once any client has counted
    return { count: 1, operations: operations.subarray(0, 8) };
  }
  for (let at = 0; at < count; at += 2) {
    const amount = BigInt(random.int(-1_000_000, 1_000_000));
    operations.writeBigInt64LE(amount, 8 * at);
    operations.writeBigInt64LE(-amount, 8 * at + 8);
  }
  return { count, operations };
}
