/** Memory for what is being made of a value: the value of a write must not lie in the record that is written. */
import { copyBytes } from './engine/bytes.ts';
import { NOTHING } from './engine/index.ts';

const FIRST_BYTES = 64 * 1024;
/** More than this is given back after use. */
const KEPT_BYTES = 1024 * 1024;

export class Scratch {
  /** Taken when it is begun first: a process has dozens of these, of which its keys may need few. */
  #memory = NOTHING;
  length = 0;

  get memory(): DataView {
    return this.#memory;
  }

  /** Begin with nothing, and with room for so many bytes. */
  begin(bytes: number): void {
    const kept = this.#memory.byteLength;
    if (kept === 0 || bytes > kept || (kept > KEPT_BYTES && bytes <= KEPT_BYTES)) {
      this.#memory = new DataView(new ArrayBuffer(Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(bytes)))));
    }
    this.length = 0;
  }

  /** Write at an offset, with zeros between the end and there. */
  put(offset: number, source: DataView, from: number, length: number): void {
    for (; this.length < offset; this.length++) this.#memory.setUint8(this.length, 0);
    copyBytes(this.#memory, offset, source, from, length);
    this.length = Math.max(this.length, offset + length);
  }

  append(source: DataView, from: number, length: number): void {
    copyBytes(this.#memory, this.length, source, from, length);
    this.length += length;
  }

  byte(value: number): void {
    this.#memory.setUint8(this.length++, value);
  }

  word(value: number): void {
    this.#memory.setUint32(this.length, value, true);
    this.length += 4;
  }

  float(value: number): void {
    this.#memory.setFloat64(this.length, value, true);
    this.length += 8;
  }

  shortLength(value: number): void {
    this.#memory.setUint16(this.length, value, true);
    this.length += 2;
  }

  /** Latin letters and digits. */
  text(text: string): void {
    for (let at = 0; at < text.length; at++) this.#memory.setUint8(this.length++, text.charCodeAt(at));
  }
}
