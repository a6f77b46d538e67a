/** Commands with their replies, in a form that is read most easily. */
import assert from 'node:assert/strict';
import type { TestClient } from './stage.ts';

/** Replies as they are read most easily. */
export function readable(reply: string): unknown {
  let at = 0;
  const line = (): string => {
    const end = reply.indexOf('\r\n', at);
    const text = reply.slice(at, end);
    at = end + 2;
    return text;
  };
  const next = (): unknown => {
    const head = line();
    const rest = head.slice(1);
    switch (head[0]) {
      case '*':
      case '~':
        return rest === '-1' ? null : Array.from({ length: Number(rest) }, next);
      case '$': {
        if (rest === '-1') return null;
        const text = reply.slice(at, at + Number(rest));
        at += Number(rest) + 2;
        return text;
      }
      case '%':
        return new Map(Array.from({ length: Number(rest) }, () => [next(), next()]));
      case ':':
        return Number(rest);
      case '_':
        return null;
      default:
        return head;
    }
  };
  const first = next();
  assert.equal(at, reply.length, 'one reply');
  return first;
}

/** Words with spaces between them; those in quotes as in a line of Redis. */
export function ask(client: TestClient, command: string): unknown {
  return readable(client.send(`${command}\r\n`));
}

/** Each command with its reply; a pattern for an error. */
export type Dialogue = readonly (readonly [command: string, reply: unknown])[];

export function hold(client: TestClient, dialogue: Dialogue): void {
  for (const [command, expected] of dialogue) {
    const reply = ask(client, command);
    if (expected instanceof RegExp) assert.match(String(reply), expected, command);
    else assert.deepEqual(reply, expected, command);
  }
}
