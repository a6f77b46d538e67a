// Mocha's usual report, and how many tests passed and failed, as a line of JSON appended to the file that TEST_COUNTS names.
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
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ passed, failed })}\n`);
    });
  }
}
