import { isAbsolute, join, relative } from 'node:path'
import type { MotiaPluginBuilder } from 'motia'

type Steps = Pick<Parameters<MotiaPluginBuilder>[0]['lockedData'], 'activeSteps' | 'baseDir'>

const COMPILED = join('.motia', 'compiled')

/**
 * A step's name by the file that runs: the one its config gives it, as Motia shows it. Where no step has that file any
 * more, its path. Names may change while the server runs.
 */
export const stepName = ({ activeSteps, baseDir }: Steps, file: string): string => {
  const compiled = relative(join(baseDir, COMPILED), file)
  const isCompiled = !compiled.startsWith('..') && !isAbsolute(compiled)
  const source = isCompiled ? join(baseDir, compiled.replace(/\.js$/, '.ts')) : file
  const step = activeSteps.find(({ filePath }) => filePath === source)
  return step?.config.name ?? relative(baseDir, source)
}
