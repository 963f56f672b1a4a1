import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Report } from '../../report.js'
import { HOST_MARKER } from '../step/protocol.js'

export interface InjectionParts {
  readonly env: Record<string, string | undefined>
  /** False: `context.cache` is left out, `motia-redis/step` works all the same. */
  readonly inject: boolean
  /** Path of the built preload. */
  readonly preload: string
  readonly report: Report
  /** Where the search for Motia's runner begins. @default the running script and the working directory */
  readonly from?: readonly string[]
}

/** Lets every step process of this server load the preload. Answers whether context.cache will be there. */
export const installInjection = ({ env, inject, preload, report, from }: InjectionParts): boolean => {
  env[HOST_MARKER] = '1'
  if (!inject) return false
  const problem = runnerProblem(from ?? startingPoints())
  if (problem !== undefined) {
    report.warn(`context.cache is not in steps: ${problem}; write import { cache } from 'motia-redis/step' instead`)
    return false
  }
  env.NODE_OPTIONS = withPreload(env.NODE_OPTIONS, preload)
  return true
}

/** The user's own options stay in front; a second time changes nothing. */
export const withPreload = (nodeOptions: string | undefined, preload: string): string => {
  const option = `--require=${quoted(preload)}`
  const own = nodeOptions?.trim() ?? ''
  if (` ${own} `.includes(` ${option} `)) return own
  return own === '' ? option : `${own} ${option}`
}

/** As Node takes NODE_OPTIONS apart: at spaces outside of double quotes, in which a backslash escapes. */
const quoted = (path: string): string =>
  /[ "]/.test(path) ? `"${path.replaceAll(/[\\"]/g, (character) => `\\${character}`)}"` : path

const runner = join('node_modules', '@motiadev', 'core', 'dist', 'src', 'node', 'node-runner.mjs')

/** What the preload and the wrapper rely on: the runner takes the step from its arguments and runs its middleware. */
const reliedOn = [/process\.argv/, /\.middleware\b/, /\.handler\b/]

/** Why the injection would not work with the Motia that runs here; undefined if it will. */
export const runnerProblem = (from: readonly string[]): string | undefined => {
  const path = from
    .flatMap(upwards)
    .map((folder) => join(folder, runner))
    .find(existsSync)
  if (path === undefined) return "Motia's step runner (node-runner.mjs of @motiadev/core) was not found"
  const text = readFileSync(path, 'utf8')
  return reliedOn.every((part) => part.test(text)) ? undefined : 'this version of Motia runs steps in an unknown way'
}

const startingPoints = (): string[] => {
  const script = process.argv[1]
  // Through its link: under pnpm's layout Motia's own dependencies lie beside its real folder.
  return [...(script !== undefined && existsSync(script) ? [dirname(realpathSync(script))] : []), process.cwd()]
}

const upwards = (folder: string): string[] => {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...upwards(parent)]
}
