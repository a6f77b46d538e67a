/** The key of those who may change something: from the page's address, kept for as long as the tab is open. */

const NAME = 'dpr-console-key';

/** As much of a window as is used. */
export interface KeyPlace {
  readonly location: { readonly hash: string; readonly pathname: string; readonly search: string };
  readonly history: { replaceState(data: null, unused: string, url: string): void };
  readonly sessionStorage: {
    getItem(name: string): string | null;
    setItem(name: string, value: string): void;
    removeItem(name: string): void;
  };
}

/** Takes the key out of the address (`#key=…`), where others could read it over a shoulder, or from a bookmark. */
export function takeKey({ location, history, sessionStorage }: KeyPlace): void {
  const [, text] = /^#key=(.*)$/.exec(location.hash) ?? [];
  if (text === undefined) return;
  if (text !== '') sessionStorage.setItem(NAME, decoded(text));
  history.replaceState(null, '', location.pathname + location.search);
}

/** What is no right escape is meant as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @returns the key; empty if there is none */
export function keptKey({ sessionStorage }: Pick<KeyPlace, 'sessionStorage'>): string {
  return sessionStorage.getItem(NAME) ?? '';
}

/** @param key empty: there is none any more */
export function keepKey({ sessionStorage }: Pick<KeyPlace, 'sessionStorage'>, key: string): void {
  if (key === '') sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, key);
}
