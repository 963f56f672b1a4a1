import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In memory where that can be: a busy disk's flushes take longer than a call may, which is another fault than those meant. */
export const quickFolder = (name: string): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `motia-redis-${name}-`))
