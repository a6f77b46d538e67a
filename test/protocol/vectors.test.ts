import { decode, decodeMessage, FrameError } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { checkGoldenFile } from './golden-file.ts';
import { plainFields, plainFrame } from './plain.ts';
import { makeVectors } from './vectors.ts';

describe('the test vectors for other languages', () => {
  const vectors = makeVectors();
  const bytesOf = ({ hex, zeros = 0 }: { readonly hex: string; readonly zeros?: number }): Buffer =>
    Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(zeros)]);

  it('are those that the code gives', () => checkGoldenFile('vectors.json', vectors));

  it('have names of their own', () => {
    const names = [...vectors.good, ...vectors.several, ...vectors.bad].map(({ name }) => name);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
  });

  it('are read and written by the codec as they say, if they are good', () => {
    for (const { name, kind, fields, hex } of vectors.good) {
      assert.deepEqual(plainFrame(decode(Buffer.from(hex, 'hex'))), { kind, fields, hex }, name);
    }
    for (const vector of vectors.several) {
      const read = decodeMessage(bytesOf(vector)).map((one) => ({ kind: one.kind, fields: plainFields(one) }));
      assert.deepEqual(read, vector.frames, vector.name);
    }
  });

  it('are refused by the codec, if they are bad', () => {
    for (const vector of vectors.bad) {
      assert.throws(() => decodeMessage(bytesOf(vector)), FrameError, `${vector.name} is taken`);
    }
  });
});
