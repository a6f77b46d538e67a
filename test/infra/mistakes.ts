import assert from 'node:assert/strict';
import { ConfigError, parseConfig, type Target } from '@dpr/infra/config';

/** A configuration that cannot be used, and every line that says why; for one machine unless it says otherwise. */
export type Mistake = {
  readonly what: string;
  readonly target?: Target;
  readonly raw: object;
  readonly says: readonly string[];
};

/** A test of each. */
export function itRefuses(mistakes: readonly Mistake[]): void {
  for (const { what, target = 'local', raw, says } of mistakes) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseConfig(raw, target),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.deepEqual(error.message.split('\n'), says);
          return true;
        },
      );
    });
  }
}
