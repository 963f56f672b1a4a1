import { existsSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MotiaPlugin } from 'motia'

type WorkbenchPlugin = MotiaPlugin['workbench'][number]

/**
 * The tab "Cache", or nothing where it could not be drawn: one file that is missing breaks the whole Workbench. Paths
 * go from the app's folder, which holds from a checkout, from node_modules and from those of a workspace further up.
 * React and Motia's components needn't be within our reach: the Workbench answers such imports with its own.
 */
export const workbenchPanel = (from: string = import.meta.url, app: string = process.cwd()): WorkbenchPlugin[] => {
  const [panel, ...styles] = ['workbench.js', 'workbench.css', 'workbench-chart.css'].map((name) =>
    fileURLToPath(new URL(`./${name}`, from)),
  )
  if (panel === undefined || ![panel, ...styles].every((path) => isUsable(path))) return []
  return [
    {
      packageName: `~/${relative(app, panel).replaceAll(sep, '/')}`,
      cssImports: styles.map((path) => path.replaceAll(sep, '/')),
      componentName: 'CachePanel',
      label: 'Cache',
      labelIcon: 'database-zap',
      position: 'bottom',
    },
  ]
}

/** False where Motia is told to run without it, which only `motia start` heeds. */
export const hasWorkbench = (env: Readonly<Record<string, string | undefined>>, argv: readonly string[]): boolean =>
  argv[2] !== 'start' || !env.MOTIA_DOCKER_DISABLE_WORKBENCH

/** The Workbench writes paths between single quotes into its own code. */
const isUsable = (path: string): boolean => existsSync(path) && !path.includes("'")
