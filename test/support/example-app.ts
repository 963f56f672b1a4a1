import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyApp } from './motia-app.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const own = ['motia.config.ts', 'cache.config.ts', 'steps']

export interface ExampleOptions {
  /** Folders of steps/ whose steps it has. Motia reads each step by a process of its own, at every start. @default all */
  readonly flows?: readonly string[]
  /** Folders of test/fixtures whose steps join the app's. */
  readonly fixtures?: readonly string[]
  /** Exact replacements in the copy; each text must be there. */
  readonly edits?: readonly { readonly file: string; readonly from: string; readonly to: string }[]
}

/** A copy of the example app in a folder of its own, so that test files can run it side by side. */
export const exampleApp = (options: ExampleOptions = {}): { dir: string; remove: () => void } => {
  const { flows, fixtures = [], edits = [] } = options
  const staging = mkdtempSync(join(tmpdir(), 'motia-redis-example-'))
  for (const name of own) cpSync(join(root, name), join(staging, name), { recursive: true })
  for (const path of readdirSync(join(staging, 'steps'), { recursive: true, encoding: 'utf8' })) {
    const dropped = flows !== undefined && !flows.includes(path.split(sep)[0] ?? '')
    if (dropped && /\.step\.[jt]s$/.test(path)) rmSync(join(staging, 'steps', path))
  }
  for (const name of fixtures) cpSync(join(root, 'test', 'fixtures', name), staging, { recursive: true })
  for (const { file, from, to } of edits) {
    const text = readFileSync(join(staging, file), 'utf8')
    if (!text.includes(from)) throw new Error(`${file} doesn't contain ${from}`)
    writeFileSync(join(staging, file), text.replace(from, to))
  }
  writeFileSync(join(staging, 'package.json'), JSON.stringify({ name: 'example', type: 'module' }))
  const copy = copyApp(staging)
  rmSync(staging, { recursive: true, force: true })
  return copy
}
