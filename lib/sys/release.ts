// Giving memory back at once. V8 collects large buffers late, and each worker has a heap of its own: without this a
// long transfer holds hundreds of megabytes of dead frames.

/** Frees the memory behind bytes that nobody uses any more; they are empty afterwards. */
export function release(bytes: Uint8Array): void {
  if (bytes.buffer instanceof ArrayBuffer && !bytes.buffer.detached) bytes.buffer.transfer(0);
}
