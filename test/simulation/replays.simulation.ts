import { assertReplays } from './replays.ts';

const SEEDS = 20;
const LIMIT_MS = 10 * 60_000;

describe('the simulator', function () {
  this.timeout(LIMIT_MS);

  it(`replays each of ${SEEDS} seeds exactly`, () => assertReplays(SEEDS));
});
