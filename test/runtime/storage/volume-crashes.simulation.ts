import { diesInEachStep, diesInEachStepOfAClaim, goesOnAsZombie, livesOnUnreliableDisk } from './volume-crashes.ts';

const LIMIT_MS = 10 * 60_000;

describe('a volume whose process dies', function () {
  this.timeout(LIMIT_MS);

  it('has all that was acknowledged and nothing else, whichever step it dies in, with and without the power', () =>
    diesInEachStep(1));

  it('is claimed as it was after dying in each step of a claim', () => diesInEachStepOfAClaim(5));

  it('has all that was acknowledged over many lives on an unreliable disk', () => livesOnUnreliableDisk(100));
});

describe('a volume with a zombie', function () {
  this.timeout(LIMIT_MS);

  it('gives each successor all that was acknowledged, and keeps what the successor writes', () => goesOnAsZombie(100));
});
