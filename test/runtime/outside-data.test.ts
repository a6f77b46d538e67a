import { checkData, OutsideDataError, parseJson, type Schema } from '@dpr/runtime/outside-data';
import assert from 'node:assert/strict';
import * as z from 'zod/mini';

const SOURCE = { what: 'the list of cats', remedy: 'Ask the cats' };
const CATS = z.object({
  cats: z.array(z.object({ name: z.string(), lives: z.number(), 'is-black': z.optional(z.boolean()) })),
  owner: z.nullable(z.string()),
  colour: z.optional(z.enum(['black', 'white'], { error: 'this is no colour of a cat' })),
});
const CAT = { name: 'Tom', lives: 9 };
const RIGHT = { cats: [CAT], owner: null };

describe('data from outside', () => {
  it('is what the schema makes of it, without what the schema does not name', () => {
    const text = JSON.stringify({ ...RIGHT, more: 1, cats: [{ ...CAT, 'is-black': true, tail: 1 }] });
    assert.deepEqual(parseJson(CATS, text, SOURCE), { cats: [{ ...CAT, 'is-black': true }], owner: null });
    assert.deepEqual(checkData(CATS, RIGHT, SOURCE), RIGHT);
  });

  const wrong: [unknown, string][] = [
    [null, 'the whole is null and not an object'],
    [[], 'the whole is an array and not an object'],
    [{ ...RIGHT, cats: {} }, 'cats is an object and not an array'],
    [{ cats: [] }, 'owner is missing'],
    [{ ...RIGHT, owner: 3 }, 'owner is a number and not a string'],
    [{ ...RIGHT, cats: [CAT, { ...CAT, lives: '9' }] }, 'cats[1].lives is a string and not a number'],
    [{ ...RIGHT, cats: [{ ...CAT, 'is-black': 'yes' }] }, "cats[0]['is-black'] is a string and not a boolean"],
    [{ ...RIGHT, colour: 'red' }, 'colour: this is no colour of a cat'],
    [{ cats: [{}], owner: '' }, 'cats[0].name is missing, cats[0].lives is missing'],
    [{ cats: [{}, {}] }, 'cats[0].name is missing, cats[0].lives is missing, cats[1].name is missing, and 2 more'],
  ];
  for (const [data, problem] of wrong) {
    it(`is refused with the key and what to do: ${problem}`, () => {
      const message = `the list of cats cannot be used: ${problem}. Ask the cats`;
      assert.throws(() => checkData(CATS, data, SOURCE), new OutsideDataError(message));
      assert.throws(() => parseJson(CATS, JSON.stringify(data), SOURCE), new OutsideDataError(message));
    });
  }

  it('is refused as a text that is no JSON, with its beginning', () => {
    const any: Schema<unknown> = z.unknown();
    const refusal = (problem: string) => ({
      name: 'OutsideDataError',
      message: `the list of cats cannot be used: ${problem}. Ask the cats`,
    });
    assert.throws(() => parseJson(any, ' \n', SOURCE), refusal('it is empty'));
    assert.throws(() => parseJson(any, '<html>\n', SOURCE), refusal('it is no JSON, and begins with "<html>\\n"'));
    const long = 'x'.repeat(1_000);
    assert.throws(() => parseJson(any, long, SOURCE), refusal(`it is no JSON, and begins with "${long.slice(0, 60)}"`));
  });
});
