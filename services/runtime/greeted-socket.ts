/** One dialed connection that greets: from the attempt to connect to the end. */
import { draftOf, PROTOCOL_VERSION, type Message, type MessageOf } from '@dpr/protocol';
import type { DialedSocket, DialOptions } from './dialed-socket.ts';
import { CLOSE } from './frame-socket.ts';
import type { Hello } from './greeting.ts';
import type { Host, Timer } from './host.ts';

export interface GreetOptions extends DialOptions {
  /** Asked when the socket has opened. */
  hello(): Omit<Hello, 'kind' | 'protocol'>;
  /** How long the answer to the greeting may take, ms. */
  readonly answerMs: number;
  /** Whether connecting counts, or may take as long by itself. */
  readonly answerCounts: 'from dialing' | 'from greeting';
}

/** Who greets. Its functions are called in order, never within one of the socket's. */
export interface Greeter {
  /** The peer lets this side in. @returns why this side gives it up all the same */
  opened(welcome: MessageOf<'welcome'>): Error | undefined;
  /** The peer answered the greeting with an error. @returns why the socket is given up; undefined closes it in peace */
  refused(error: MessageOf<'error'>): Error | undefined;
  /** What one message carried, in order. Not before `opened`. */
  frames(messages: readonly Message[]): void;
  /** The system took over everything that had piled up. */
  drained(): void;
  /** Once, and last. The reason is what happened first; undefined if either side closed the connection. */
  closed(reason: Error | undefined, code: number): void;
}

/** The peer did not answer the greeting in time. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
    this.limitMs = limitMs;
  }
}

/** The peer answered the greeting with a frame that is no answer. */
export class WrongAnswerError extends Error {
  override readonly name = 'WrongAnswerError';
  readonly kind: Message['kind'];

  constructor(kind: Message['kind']) {
    super(`the answer to the greeting is '${kind}'`);
    this.kind = kind;
  }
}

export function greetSocket(host: Host, options: GreetOptions, greeter: Greeter): DialedSocket {
  const { answerMs, answerCounts } = options;
  let greeted = false;
  const socket = host.dial(options, {
    opened() {
      if (answerCounts === 'from greeting') {
        host.clearTimeout(late);
        late = giveUpLate();
      }
      socket.send(draftOf({ kind: 'hello', protocol: PROTOCOL_VERSION, ...options.hello() }));
    },
    frames: take,
    drained: () => greeter.drained(),
    closed(reason, code) {
      host.clearTimeout(late);
      greeter.closed(reason, code);
    },
  });
  let late = giveUpLate();

  function giveUpLate(): Timer {
    return host.setTimeout(() => socket.giveUp(new NoAnswerError(answerMs)), answerMs);
  }

  function take(messages: readonly Message[]): void {
    if (greeted) return greeter.frames(messages);
    const [answer, ...rest] = messages;
    if (answer === undefined) return;
    host.clearTimeout(late);
    answered(answer);
    if (rest.length > 0 && socket.isOpen()) take(rest);
  }

  function answered(message: Message): void {
    if (message.kind === 'welcome') {
      greeted = true;
      const refusal = greeter.opened(message);
      if (refusal !== undefined) socket.giveUp(refusal);
    } else if (message.kind === 'error') {
      const reason = greeter.refused(message);
      if (reason === undefined) socket.close(CLOSE.normal);
      else socket.giveUp(reason);
    } else {
      socket.giveUp(new WrongAnswerError(message.kind));
    }
  }

  return {
    ...socket,
    close(code) {
      host.clearTimeout(late);
      socket.close(code);
    },
  };
}
