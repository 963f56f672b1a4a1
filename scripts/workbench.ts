import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findRunning } from './running.ts'
import { portOf } from './start-options.ts'

/** `npm run workbench`: opens the Workbench of the running app in the browser, or says where it is. */

if (existsSync('.env')) process.loadEnvFile('.env')
const args = process.argv.slice(2)
const port = args.length > 0 ? portOf(args, {}) : (findRunning(process.cwd())?.port ?? portOf([], process.env))

const workbenchBase = async (): Promise<string | undefined> => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/__motia`, { signal: AbortSignal.timeout(5_000) })
    const meta = (await response.json()) as { workbenchBase?: unknown }
    return typeof meta.workbenchBase === 'string' ? meta.workbenchBase : undefined
  } catch {
    return undefined // nobody there, or not Motia: said below
  }
}

const opener = (): readonly string[] | undefined => {
  if (process.platform === 'darwin') return ['open']
  if (process.platform === 'win32') return ['cmd', '/c', 'start', '']
  return process.env.DISPLAY || process.env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined
}

const base = await workbenchBase()
if (base === undefined) {
  console.error(`No Motia app answers on http://127.0.0.1:${port}. Start it with npm start.`)
  process.exitCode = 1
} else {
  const url = `http://127.0.0.1:${port}${base === '' ? '/' : base}`
  console.log(url)
  const [program, ...rest] = opener() ?? []
  if (program !== undefined) {
    const child = spawn(program, [...rest, url], { stdio: 'ignore', detached: true })
    child.once('error', () => console.log('No browser could be opened: use the address above.'))
    child.unref()
  }
}
