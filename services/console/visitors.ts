/** Which requests the console answers at all, and who may change something. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { refuseVisitor } from '@dpr/runtime/request-origins';

/**
 * Why a request may not come in, in words. The console's own page names the console as its origin, by the very name in `Host`; a
 * page whose name was made to lead here (DNS rebinding) shows by that name.
 */
export function refuseRequest({ origin, host }: IncomingHttpHeaders): string | undefined {
  if (host === undefined) return 'a request has to name its host';
  if (refuseVisitor({ host }, { origins: [], hostNames: [] }) !== undefined) {
    return 'this is not a name of the console: use localhost or an IP address';
  }
  const isOwn = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
  return isOwn ? undefined : 'pages of others may not use the console';
}

/** Whether `authorization` shows one of these secrets. */
export function showsSecret({ authorization = '' }: IncomingHttpHeaders, secrets: readonly string[]): boolean {
  const shown = digest(/^Bearer (.+)$/.exec(authorization)?.[1] ?? '');
  // All are compared, so that the time taken tells nothing.
  return secrets.filter((secret) => secret !== '' && timingSafeEqual(digest(secret), shown)).length > 0;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
