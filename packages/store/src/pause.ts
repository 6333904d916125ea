/** Blocks the whole process for so many milliseconds. */
export function pause(milliseconds: number): void {
  Atomics.wait(NEVER, 0, 0, milliseconds)
}

const NEVER = new Int32Array(new SharedArrayBuffer(4))
