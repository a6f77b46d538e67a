// Mocha's usual report, and how many tests passed and failed, as a line of JSON appended to the file that TEST_COUNTS names; with it the
// titles of those that failed, and what they threw.
import { appendFileSync } from 'node:fs';
import mocha from 'mocha';

// eslint-disable-next-line no-restricted-exports -- Mocha finds a reporter there
export default class CountReporter extends mocha.reporters.Spec {
  /**
   * @param {import('mocha').Runner} runner
   * @param {import('mocha').MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes: passed = 0, failures: failed = 0 } = runner.stats ?? {};
      const file = process.env.TEST_COUNTS;
      if (file === undefined) return;
      const failures = this.failures.map((test) => ({ title: test.fullTitle(), error: String(test.err?.message) }));
      appendFileSync(file, `${JSON.stringify({ passed, failed, failures })}\n`);
    });
  }
}
