import { expect, it, vi } from "vitest";
import { lazily } from "./lazy";

it("tries once more when a part does not load", async () => {
  const load = vi.fn().mockRejectedValueOnce(new Error("lost")).mockResolvedValueOnce("part");
  await expect(lazily(load)).resolves.toBe("part");
  expect(load).toHaveBeenCalledTimes(2);
});

it("gives up after two late attempts", async () => {
  vi.useFakeTimers();
  const outcome = lazily(() => new Promise(() => {}), 5_000);
  const check = expect(outcome).rejects.toThrow("did not load within 5000 ms");
  await vi.advanceTimersByTimeAsync(10_000);
  await check;
  vi.useRealTimers();
});
