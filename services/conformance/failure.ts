/** What the client under test does otherwise than the protocol says. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** @throws Failure when it does not hold */
export function check(condition: boolean, otherwise: () => string): asserts condition {
  if (!condition) throw new Failure(otherwise());
}
