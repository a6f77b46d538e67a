import { describeVolumeCrashes } from './volume-crashes.ts';

const LIMIT_MS = 10 * 60_000;

describe('in every step', function () {
  this.timeout(LIMIT_MS);
  describeVolumeCrashes({ every: 1, claims: 5, lives: 100, zombies: 100 });
});
