/** Elements apart from any set. */
import type { Element } from '../collections/node.ts';

/** Its member is a text of one letter for each byte. */
export type LooseElement = readonly [member: string, score: number];

export function compareLoose([memberA, a]: LooseElement, [memberB, b]: LooseElement): number {
  if (a !== b) return a < b ? -1 : 1;
  if (memberA === memberB) return 0;
  return memberA < memberB ? -1 : 1;
}

/** The member of an element. */
export function looseMember({ memory, member, memberLength }: Element): string {
  return Buffer.from(memory.buffer, memory.byteOffset + member, memberLength).toString('latin1');
}
