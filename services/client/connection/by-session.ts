/** Which session a worker's frames are for. */
import type { Message } from '@dpr/protocol';

/**
 * Hand out what one message carried, in order: frames in a row that are for the same session go together.
 * @param take `session`: undefined when the frames are for no session in particular
 */
export function bySession(
  messages: readonly Message[],
  take: (session: string | undefined, run: readonly Message[]) => void,
): void {
  let begin = 0;
  while (begin < messages.length) {
    const session = addressee(messages[begin]);
    let end = begin + 1;
    while (end < messages.length && addressee(messages[end]) === session) end++;
    take(session, end - begin === messages.length ? messages : messages.slice(begin, end));
    begin = end;
  }
}

function addressee(message: Message | undefined): string | undefined {
  switch (message?.kind) {
    case 'reply':
    case 'tableAnswer':
    case 'error':
      return message.session;
    default:
      return undefined;
  }
}
