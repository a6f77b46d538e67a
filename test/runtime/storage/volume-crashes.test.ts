import { diesInEachStep, diesInEachStepOfAClaim, goesOnAsZombie, livesOnUnreliableDisk } from './volume-crashes.ts';

describe('a volume whose process dies', () => {
  it('has all that was acknowledged and nothing else, whichever step it dies in, with and without the power', () =>
    diesInEachStep(4));

  it('is claimed as it was after dying in each step of a claim', () => diesInEachStepOfAClaim(1));

  it('has all that was acknowledged over many lives on an unreliable disk', () => livesOnUnreliableDisk(15));
});

describe('a volume with a zombie', () => {
  it('gives each successor all that was acknowledged, and keeps what the successor writes', () => goesOnAsZombie(15));
});
