/** What a connection is made of, and what it shares with the others of its port. */
import type { BudgetPart, Host, InputTurns } from '@dpr/runtime/side-port';
import type { RespType } from './command.ts';
import type { CommandTable } from './command-table.ts';
import type { ServerFacts } from './local-command.ts';
import type { PortBatches } from './port-batches.ts';
import type { ReplyWriter } from './reply-writer.ts';

/** The socket of a connection, as far as it matters here. */
export interface ByteSocket {
  /** Where the client is, as `host:port`; behind a proxy that names its host, the port is the proxy's. */
  readonly address: string;
  readonly localAddress: string;
  write(bytes: Buffer): void;
  /** Bytes that were written, and that the system has not taken over. */
  unsentBytes(): number;
  pause(): void;
  resume(): void;
  /** Close after what was written, or at once. */
  end(): void;
  destroy(): void;
}

/** What the connections of a port share. */
export interface ConnectionParts {
  readonly host: Pick<Host, 'now' | 'setTimeout' | 'clearTimeout'>;
  readonly batches: PortBatches;
  readonly turns: InputTurns;
  readonly type: RespType;
  readonly table: CommandTable;
  readonly server: ServerFacts;
  /** Replies of whichever connection is at work. */
  readonly reply: ReplyWriter;
  /** A command was looked at. */
  readonly counted: () => void;
}

/** What is this connection's own. */
export interface ConnectionOptions {
  readonly number: number;
  readonly socket: ByteSocket;
  /** Lets it in. @returns why not */
  readonly greet: (token: string) => string | undefined;
  /** A client that asks for no token is in already. */
  readonly isGuest: boolean;
  readonly received: BudgetPart;
  readonly unsent: BudgetPart;
}
