import type { Redis } from 'ioredis'

/**
 * What this tick still sends leaves in one write: ioredis writes each command on its own, and the system call costs
 * more than everything else about a small one.
 */
export const writeTogether = ({ stream }: Redis): void => {
  if (stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(uncork, stream)
}

const uncork = (stream: Redis['stream']): void => stream.uncork()
