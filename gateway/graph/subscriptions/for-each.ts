/** Calls a function for each of these, for some of them at once. */
export async function forEach<Each>(
  all: Iterable<Each>,
  atOnce: number,
  act: (each: Each) => Promise<void>,
): Promise<void> {
  const left = Array.from(all).values();
  const some = async (): Promise<void> => {
    for (const each of left) await act(each);
  };
  await Promise.all(Array.from({ length: atOnce }, some));
}
