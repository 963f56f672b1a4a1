import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const newest = (path: string): number => {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** Builds dist/ when any source is newer than it: steps and the example app run the built package. */
export const buildIfStale = (): void => {
  const built = join(root, 'dist', 'index.d.ts') // written last
  const sources = ['src', 'types', 'tsdown.config.ts', 'package.json'].map((name) => newest(join(root, name)))
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...sources)) return
  console.log('building dist/ …')
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}
