/** Questions to a peer that answers one at a time: the next is sent when the one before is answered. */
import type { Message } from '@dpr/protocol';
import type { DprError } from '../errors.ts';

interface Request {
  readonly message: Message;
  resolve(answer: Message): void;
  reject(error: Error): void;
}

export interface Requests {
  /** @returns the answer, or rejects with the peer's refusal */
  ask(message: Message): Promise<Message>;
  /** Connected anew: ask again what was not answered. */
  again(): void;
  answered(message: Message): void;
  refused(error: DprError): void;
  /** Nothing will be answered any more. */
  end(error: DprError): void;
  /** How many are not answered. */
  size(): number;
}

export function createRequests(send: (message: Message) => void): Requests {
  const queue: Request[] = [];

  function next(): Request | undefined {
    const request = queue.shift();
    again();
    return request;
  }

  function again(): void {
    const [request] = queue;
    if (request !== undefined) send(request.message);
  }

  return {
    ask: (message) =>
      new Promise((resolve, reject) => {
        queue.push({ message, resolve, reject });
        if (queue.length === 1) send(message);
      }),
    again,
    answered: (message) => next()?.resolve(message),
    refused: (error) => next()?.reject(error),
    end(error) {
      for (const request of queue.splice(0)) request.reject(error);
    },
    size: () => queue.length,
  };
}
