import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/**
 * An empty folder of one test file, gone after the file's last test: tiers that share a MOTIA_REDIS_DIR share a journal,
 * and what stands in when no instance does.
 */
export const testFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'motia-redis-folder-'))
  folders.push(folder)
  return folder
}

// Registered at import, so it runs after the hooks of the file, which close what lies in them.
const folders: string[] = []
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
