/** Waits until all have ended, however they do: a caller that undoes things must know of all that was done. @throws the first error */
export async function allEnded<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
