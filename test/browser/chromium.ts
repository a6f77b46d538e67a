/** A real browser, and how a test reads a page of it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { until } from '../cluster/harness.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** @throws Error that says how to get one */
export function openBrowser(): Promise<Browser> {
  const executablePath = process.env.DPR_CHROMIUM ?? found();
  if (executablePath === undefined) throw new Error('this needs a browser (Debian: apt-get install chromium)');
  // In a container there is no sandbox to be had; the pages are our own.
  return launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

function found(): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name))).find((file) => existsSync(file));
}

/** What people read on the page, white space as one. */
export async function textOf(page: Page, selector = 'body'): Promise<string> {
  const all = `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => element.textContent)`;
  const texts = (await page.evaluate(all)) as string[];
  return texts.join(' ').replaceAll(/\s+/g, ' ').trim();
}

/** Waits until the page says so. @returns what it says there */
export function says(page: Page, selector: string, words: RegExp): Promise<string> {
  let last = '';
  return until(`the page to say ${String(words)} at ${selector}`, async () => {
    last = await textOf(page, selector);
    return words.test(last) && last;
  }).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; it says: ${last}`);
  });
}
