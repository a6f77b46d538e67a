/** The page's files as texts. Where programs are bundled, the bundler puts the built texts in the place of this module. */
import { buildPage } from './build-page.mjs';

export interface PageAssets {
  readonly html: string;
  readonly script: string;
  readonly styles: string;
  /** Of the libraries that the script has code of. */
  readonly licences: string;
}

export function pageAssets(): Promise<PageAssets> {
  return buildPage();
}
