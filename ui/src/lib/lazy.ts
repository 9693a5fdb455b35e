/** Loads a part of the program with a time limit and one retry, so that a lost chunk is never a hang. */
export async function lazily<T>(load: () => Promise<T>, limit = 5_000): Promise<T> {
  try {
    return await withLimit(load(), limit);
  } catch {
    return await withLimit(load(), limit);
  }
}

function withLimit<T>(work: Promise<T>, limit: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`a part of the program did not load within ${limit} ms`)),
      limit,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
