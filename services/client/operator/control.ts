/** The connection to the Finder's control port: questions, one at a time, and what the Finder tells by itself. */
import type { Message, MessageOf } from '@dpr/protocol';
import { deferred } from '@dpr/runtime/deferred';
import { nodeHost } from '@dpr/runtime/node-host';
import { unlessAborted } from '../abort.ts';
import { checkFinder, isDefinite, isFinal, openLink, type LinkOptions } from '../connection/link.ts';
import { createRequests } from '../connection/requests.ts';
import {
  OverloadedError,
  RefusedError,
  UnauthorizedError,
  UnknownWorkerError,
  unreachable,
  type DprError,
} from '../errors.ts';
import { MAX_OPERATOR_REQUESTS } from '../limits.ts';
import type { ConnectOptions } from '../options.ts';

export interface ControlOptions extends Pick<LinkOptions, 'address' | 'ca' | 'timing'> {
  readonly token: string;
  readonly awaitFinder: boolean;
  readonly log: NonNullable<ConnectOptions['log']>;
}

/** Who uses the connection. */
export interface ControlOwner {
  /** Greeted, for the first time or anew. */
  opened(): void;
  /** What the Finder tells by itself, once it was asked to. */
  told(message: MessageOf<'cut' | 'cluster'>): void;
  /** Nothing can be asked any more. */
  ended(): void;
}

export interface Control {
  /** @returns the answer, or rejects with the Finder's refusal */
  readonly ask: (message: Message, signal: AbortSignal | undefined) => Promise<Message>;
  /** Ask the Finder to tell what happens. */
  readonly subscribe: () => void;
  /** Why nothing can be asked any more. */
  readonly whyEnded: () => DprError | undefined;
  /** Resolves once the Finder answers; rejects when it never will. */
  readonly ready: Promise<void>;
  /** Resolves with the reason once nothing can be asked any more. */
  readonly over: Promise<DprError>;
  /** @param reason undefined: connecting took too long */
  readonly end: (reason: DprError | undefined) => void;
}

export function openControl(options: ControlOptions, owner: ControlOwner): Control {
  const { address, ca, timing, token, awaitFinder, log } = options;
  const started = deferred();
  const over = deferred<DprError>();
  let cluster: string | undefined;
  let lastFailure: DprError | undefined;
  let ended: DprError | undefined;

  const requests = createRequests((message) => link.send(message));
  const link = openLink(
    { host: nodeHost, address, ca, timing, greeting: () => ({ role: 'operator', cluster, token }) },
    {
      opened(welcome) {
        const stranger = checkFinder(address, welcome);
        if (stranger !== undefined) return stranger;
        cluster ??= welcome.cluster;
        lastFailure = undefined;
        log({ level: 'info', event: 'connected', message: `connected to the Finder's control port at ${address}` });
        started.resolve();
        owner.opened();
        requests.again();
        return undefined;
      },
      frames(messages) {
        for (const message of messages) if (ended === undefined) frame(message);
      },
      down(error) {
        const isNews = lastFailure?.message !== error.message;
        lastFailure = error;
        const refused = !awaitFinder && cluster === undefined && isDefinite(error);
        if (isFinal(error) || refused) end(error);
        else if (isNews) log({ level: 'warn', event: 'disconnected', message: error.message });
      },
    },
  );

  function frame(message: Message): void {
    switch (message.kind) {
      case 'statusAnswer':
      case 'deleteAnswer':
      case 'eventsAnswer':
        return requests.answered(message);
      case 'error':
        return requests.refused(refusal(message));
      case 'cut':
      case 'cluster':
        return owner.told(message);
      default:
        return;
    }
  }

  function end(reason: DprError | undefined): void {
    if (ended !== undefined) return;
    ended = reason ?? unreachable(address, lastFailure);
    link.close();
    started.reject(ended);
    requests.end(ended);
    owner.ended();
    over.resolve(ended);
  }

  return {
    ask(message, signal) {
      if (ended !== undefined) return Promise.reject(ended);
      if (requests.size() >= MAX_OPERATOR_REQUESTS) {
        return Promise.reject(
          new OverloadedError(`${MAX_OPERATOR_REQUESTS} questions to the Finder are not answered yet`),
        );
      }
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      return unlessAborted(requests.ask(message), signal);
    },
    subscribe: () => link.send({ kind: 'subscribe' }),
    whyEnded: () => ended,
    ready: started.promise,
    over: over.promise,
    end,
  };
}

/** Why the Finder did not do what it was asked for. */
function refusal({ code, text }: MessageOf<'error'>): DprError {
  switch (code) {
    case 'unknownWorker':
      return new UnknownWorkerError(text);
    case 'unauthorized':
      return new UnauthorizedError(text);
    case 'malformed':
      return new RefusedError(
        `the Finder does not know what it is asked, because it is older than this client: update the cluster (${text})`,
      );
    default:
      return new RefusedError(`${text} (${code})`);
  }
}
