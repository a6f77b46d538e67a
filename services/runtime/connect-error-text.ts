/** Why there is no connection: an attempt at several addresses of a name fails with an error that has no words of its own. */
export function connectErrorText(
  error: Error & { readonly code?: string; readonly errors?: readonly Error[] },
): string {
  const [first] = error.errors ?? [];
  return first?.message ?? (error.message === '' ? (error.code ?? 'no reason given') : error.message);
}
