/** NODE_ENV=production, or the process is `motia start` (which doesn't set NODE_ENV). */
export const isProduction = (env: Record<string, string | undefined>, argv: readonly string[]): boolean =>
  env.NODE_ENV === 'production' || (argv[2] === 'start' && isMotiaCli(argv[1] ?? ''))

/** node_modules/.bin/motia, its Windows shims, or the file behind them. */
export const isMotiaCli = (script: string): boolean =>
  /[\\/]motia(\.\w+|[\\/]dist([\\/]\w+)*[\\/]cli\.\w+)?$/.test(script)
