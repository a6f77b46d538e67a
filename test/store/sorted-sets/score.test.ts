import assert from 'node:assert/strict';
import { formatScore, isInRange, parseScore } from '../../../services/store/sorted-sets/score.ts';

describe('scores as text', () => {
  it('have 17 significant digits, as C writes them', () => {
    const texts: readonly (readonly [number, string])[] = [
      [0, '0'],
      [-0, '-0'],
      [3, '3'],
      [-12.5, '-12.5'],
      [0.1, '0.10000000000000001'],
      [1 / 3, '0.33333333333333331'],
      [0.0001, '0.0001'],
      [0.00012345, '0.00012344999999999999'],
      [0.00001, '1.0000000000000001e-05'],
      [1e-100, '1e-100'],
      [5e-324, '4.9406564584124654e-324'],
      [99999999999999984, '99999999999999984'],
      [1e17, '1e+17'],
      [1.5e17, '1.5e+17'],
      [1.7976931348623157e308, '1.7976931348623157e+308'],
      [123456.75, '123456.75'],
      [Infinity, 'inf'],
      [-Infinity, '-inf'],
      // Halfway between two texts of 17 digits: the even one.
      [2 ** -25, '2.9802322387695312e-08'],
      [3 * 2 ** -25, '8.9406967163085938e-08'],
      [1000000000000000.25, '1000000000000000.2'],
      [1000000000000000.75, '1000000000000000.8'],
    ];
    for (const [score, text] of texts) {
      assert.equal(formatScore(score), text);
      assert.ok(Object.is(parseScore(text), score), text);
    }
  });

  it('are read as C does, without what is no number', () => {
    const scores: readonly (readonly [string, number])[] = [
      ['+1', 1],
      ['.5', 0.5],
      ['5.', 5],
      ['1E3', 1000],
      ['0x1f', 31],
      ['-0X10', -16],
      ['INF', Infinity],
      ['-infinity', -Infinity],
      ['1e400', Infinity],
    ];
    for (const [text, score] of scores) assert.equal(parseScore(text), score, text);
    for (const text of ['', '.', 'e5', '1e', 'x', '0x', '1 ', ' 1', 'nan', 'in', '1,5', '--1']) {
      assert.ok(Number.isNaN(parseScore(text)), text);
    }
  });

  it('tell numbers that are beyond a double', () => {
    for (const text of ['inf', '1', '0', '-0.00', '0e5', '0x0', '1.7976931348623157e308', '5e-324']) {
      assert.ok(isInRange(text, parseScore(text)), text);
    }
    for (const text of ['1e400', '-1e400', '1e-400']) assert.ok(!isInRange(text, parseScore(text)), text);
  });
});
