import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const read = (file: string): string => readFileSync(new URL(`../../services/${file}`, import.meta.url), 'utf8');

/** The states that a diagram names, but for its start and end. */
function statesOf(diagram: string): Set<string> {
  const arrows = [...diagram.matchAll(/^ *(\S+) --> ([^:\s]+)/gm)].flatMap(([, from = '', to = '']) => [from, to]);
  return new Set(arrows.filter((state) => state !== '[*]'));
}

/** The members of a union of strings that follows these words in a source. */
function unionIn(file: string, before: string): string[] {
  const [, union = ''] = new RegExp(`${before} ([^;]+);`).exec(read(file)) ?? [];
  return [...union.matchAll(/'(\w+)'/g)].map(([, member = '']) => member);
}

describe("the protocol's diagrams", () => {
  const diagrams = [...read('protocol/PROTOCOL.md').matchAll(/```mermaid\nstateDiagram-v2\n([^`]+)```/g)].map(
    ([, diagram = '']) => statesOf(diagram),
  );
  const worker = ['JoinPhase', 'MemberPhase', 'WorkerPhase'].flatMap((name) =>
    unionIn('core/worker/state.ts', `${name} =`),
  );
  for (const [who, states] of [
    ['a Finder', unionIn('core/finder/state.ts', 'phase:')],
    ['a worker', worker],
    ['a session', unionIn('core/session/state.ts', 'phase:')],
  ] as const) {
    it(`have each state of ${who}, and no other`, () => {
      assert.ok(states.length > 2);
      assert.ok(
        diagrams.some((named) => named.size === states.length && states.every((state) => named.has(state))),
        `none has ${states.join(', ')}`,
      );
    });
  }
});
