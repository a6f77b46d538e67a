/** What tests open is closed after each of them, whether it passed or not. */
import { afterEach } from 'mocha';

/** Close it after the present test; @returns it */
export type CleanUp = <T extends { close(): unknown }>(opened: T) => T;

/** To be called within a `describe`. */
export function cleanUp(): CleanUp {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });
  return (one) => {
    opened.push(one);
    return one;
  };
}
