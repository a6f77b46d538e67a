import { nodeHost } from '@dpr/runtime/node-host';
import assert from 'node:assert/strict';
import { membershipQuestions } from '../../services/client/connection/membership-questions.ts';

describe('the questions for the membership', () => {
  it('keep no caller waiting once they are closed, whether it asked before or asks afterwards', async () => {
    let asked = 0;
    const questions = membershipQuestions(nodeHost, 60_000, () => ++asked > 0);
    const before = questions.fresh();
    questions.close();
    await before;
    await questions.fresh();
    assert.equal(asked, 0);
  });
});
